// How the service's messages are shown.

/** Write a message into an element: it begins with a capital letter, and what stands in backticks is code. */
export function write(element, message) {
  const text = message.startsWith("`") ? message : message.slice(0, 1).toUpperCase() + message.slice(1);
  const parts = text.split("`").map((part, number) => {
    if (number % 2 === 0) return part;
    const code = document.createElement("code");
    code.textContent = part;
    return code;
  });
  element.replaceChildren(...parts);
}
