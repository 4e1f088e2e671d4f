// How classes, placements, shares and inputs are called.

const LOGIC = ["conjunction", "cnf", "formula"];
/** The ways of placing a probe, in the order in which they are shown. */
export const KINDS = { shifted: "moved along", parted: "cut in two", spread: "spread out" };

export const percent = (share) => `${Math.round(100 * share)} %`;

/** Whether a task's inputs are formulas. */
export const isLogic = (task) => LOGIC.includes(task);

/** A class in words. */
export function classOf(task, number) {
  return isLogic(task) ? ["unsatisfiable", "satisfiable"][number] : `class ${number}`;
}

export function placementName({ kind, reach }, names = KINDS) {
  return kind === "usual" ? "usual places" : `${names[kind] ?? kind}, ${reach}T`;
}

/** An input as it is written: with spaces where a symbol has more than one character. */
export function inWords(symbols) {
  return symbols.join(symbols.some((symbol) => symbol.length > 1) ? " " : "");
}
