// Requests to the service. Every path is relative to the page, so that a proxy may put it anywhere.

async function* request(path, form, key) {
  const headers = { accept: "text/event-stream" };
  if (key) headers.authorization = `Bearer ${key}`;
  const response = await fetch(path, { method: "POST", body: form, headers });
  if (response.ok) yield* eventsOf(response);
  else yield ["problem", await response.json()];
}

/** Classify one file: yields [event, data, id], the last being a problem, or a result with its address. */
export function classify(file, name, fields, key) {
  const form = formOf(fields);
  form.append("checkpoint", file, name);
  return request("classify", form, key);
}

/** Classify many files in one request: the same events, the result being that of all of them. */
export function classifyBatch(files, fields, key) {
  const form = formOf(fields);
  for (const file of files) form.append("checkpoints", file, file.name);
  return request("classify/batch", form, key);
}

function formOf(fields) {
  const form = new FormData();
  for (const [field, value] of fields) form.append(field, value);
  return form;
}

/** What the service has at a path; null where it has nothing. */
export async function given(path) {
  const response = await fetch(path);
  return response.ok ? response.json() : null;
}

/** What the service keeps at an address: the response, which may be a problem. */
export function kept(address, key) {
  const headers = { accept: "application/json" };
  if (key) headers.authorization = `Bearer ${key}`;
  return fetch(address, { headers });
}

/** Save what the service keeps at an address as a file. */
export async function keep(address, name, key) {
  const response = await kept(address, key);
  if (!response.ok) return;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await response.blob());
  link.download = name;
  link.click();
}

async function* eventsOf(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    text += value;
    const blocks = text.split(/\r?\n\r?\n/);
    text = blocks.pop();
    for (const block of blocks) {
      const event = /^event: (.*)$/m.exec(block)?.[1];
      const data = /^data: (.*)$/m.exec(block)?.[1];
      const id = /^id: (.*)$/m.exec(block)?.[1] ?? null;
      if (event && data) yield [event, JSON.parse(data), id];
    }
  }
}
