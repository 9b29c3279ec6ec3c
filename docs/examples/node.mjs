// A reader, a subscription and a comment, from Node (18 or later, nothing to install):
//   HEARBACK_URL=http://127.0.0.1:8025 HEARBACK_KEY=hb_… node node.mjs
import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";

const { HEARBACK_URL, HEARBACK_KEY } = process.env;

class HearbackError extends Error {
  constructor(problem) {
    super(`${problem.field ? problem.field + ": " : ""}${problem.detail} (${problem.mend})`);
    Object.assign(this, problem); // status, code, field, mend
  }
}

// hearback makes a call. It is tried again after a lost connection, 429, 502, 503 and 504; the Idempotency-Key makes that harmless.
async function hearback(method, path, body) {
  const key = randomUUID();
  for (let attempt = 1; ; attempt++) {
    let answer, failure;
    try {
      answer = await fetch(HEARBACK_URL + path, {
        method,
        headers: { Authorization: `Bearer ${HEARBACK_KEY}`, "Content-Type": "application/json", "Idempotency-Key": key },
        body: body && JSON.stringify(body),
        signal: AbortSignal.timeout(30_000),
      });
      const text = await answer.text();
      if (answer.ok) return text ? JSON.parse(text) : undefined;
      const isProblem = answer.headers.get("Content-Type") === "application/problem+json";
      failure = new HearbackError(isProblem ? JSON.parse(text) : { status: answer.status, detail: text, mend: "look at the proxy before Hearback" });
    } catch (lost) {
      failure = lost;
    }
    if (attempt === 4 || (answer && ![429, 502, 503, 504].includes(answer.status))) throw failure;
    await pause(Math.max(200 * 2 ** attempt, 1000 * (answer?.headers.get("Retry-After") ?? 0)));
  }
}

// Who they are. "confirmed" says that the site knows the address to be theirs; without it they are asked by mail first.
await hearback("PUT", `/v1/subscribers/${encodeURIComponent("u-1")}`, { email: "ann@example.org", name: "Ann", author_ids: ["u-1"], confirmed: true });

// What they want to hear of.
await hearback("POST", "/v1/subscriptions", { subscriber: "u-1", target: { type: "thread", id: "post-7" } });

// What happened. The id names the event: sending it again changes nothing.
const receipt = await hearback("POST", "/v1/events", {
  id: "c-1-published",
  type: "comment.published",
  time: new Date().toISOString(),
  thread: { id: "post-7", url: "https://blog.example.org/7", title: "On clocks" },
  comment: { id: "c-1", html: "<p>Who winds them, with Node?</p>" },
  author: { id: "u-2", name: "Patrick" },
});
console.log(receipt);
