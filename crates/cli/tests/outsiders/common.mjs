// What the scripts share: they print a JSON object a line, and end by themselves.

/** Longer than a test waits for any line. */
const MOST_MS = 120_000;

setTimeout(() => {
  console.error(`${process.argv[1]} was not done in ${MOST_MS} ms`);
  process.exit(1);
}, MOST_MS).unref();

export const [, , ...given] = process.argv;

/** @param {object} line */
export function say(line) {
  console.log(JSON.stringify(line));
}

/** Done when the test has closed our standard input: it has seen enough. */
export const released = () => new Promise((resolve) => process.stdin.resume().on("end", resolve));
