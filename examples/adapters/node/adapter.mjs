// A remote adapter in JavaScript: Node.js 18 or newer, no packages, no kit. It speaks the HTTP API of docs/reference/api.md.
// Its "external system" is a folder with one file per account, as that of ../loopback.
//
//   node adapter.mjs serve  URL ADAPTER TOKEN_FILE FOLDER            serve notifications until SIGTERM
//   node adapter.mjs passwd URL ADAPTER TOKEN_FILE FOLDER ACCOUNT    change a password here, and report it
//
// An authority of your own is named by the environment variable NODE_EXTRA_CA_CERTS. The address must be https://, except
// on this machine.

import { randomBytes, scryptSync, timingSafeEqual } from "node:crypto";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const [command, url, adapter, tokenFile, folder, account] = process.argv.slice(2);
const base = `${url}/v1/adapters/${encodeURIComponent(adapter)}`;
const SHORTEST = 8;
const stop = new AbortController();
let session = "";

// What the API answers: away = the same call may succeed later; refused = it will not.
class Away extends Error {}
class Refused extends Error {
  constructor(problem, status) {
    super([problem.detail ?? problem.title ?? `status ${status}`, problem.hint].filter(Boolean).join(" - "));
    this.code = problem.code;
    this.reason = problem.reason;
  }
}

const say = (sentence) => process.stdout.write(`${sentence}\n`);

// One call. Only a receiver that waits is cut short by SIGTERM: what is under way is finished.
async function call(method, path, body, { signal = AbortSignal.timeout(30_000) } = {}) {
  const headers = { Authorization: `Bearer ${readFileSync(tokenFile, "utf8").trim()}` };
  if (session) headers["Pwsync-Session"] = session;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let answer, text;
  try {
    answer = await fetch(base + path, { method, headers, body: JSON.stringify(body), signal, redirect: "error" });
    text = await answer.text();
  } catch (error) {
    throw new Away(error.cause?.message ?? error.message);
  }
  let view = {};
  try {
    if (text) view = JSON.parse(text);
  } catch {
    throw new Away(`no JSON in an answer of status ${answer.status}`);
  }
  if (answer.ok) return view;
  if (answer.status >= 500 || answer.status === 408 || answer.status === 429) {
    throw new Away(view.detail ?? `status ${answer.status}`);
  }
  throw new Refused(view, answer.status);
}

// Wait longer after each failure, 1 s to 60 s, spread by a quarter; SIGTERM ends the waiting.
async function pause(failures, why) {
  const seconds = Math.min(2 ** failures, 60) * (0.75 + Math.random() / 2);
  say(`The adapter waits: seconds=${seconds.toFixed(1)} problem=${why}`);
  await sleep(seconds * 1000, undefined, { signal: stop.signal }).catch(() => undefined);
}

async function insist(make) {
  for (let failures = 0; ; failures += 1) {
    try {
      return await make();
    } catch (error) {
      if (!(error instanceof Away) || stop.signal.aborted) throw error;
      await pause(failures, error.message);
    }
  }
}

// The external system.
const fileOf = (name) => join(folder, name);
const isAccount = (name) => /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/.test(name) && existsSync(fileOf(name));
const digest = (password, salt) => scryptSync(password, salt, 64, { N: 2 ** 14, r: 8, p: 1 });

function verify(name, password) {
  const kept = readFileSync(fileOf(name), "ascii").trim();
  if (!kept) return false;
  const [salt, hash] = kept.split(":").map((part) => Buffer.from(part, "hex"));
  return timingSafeEqual(digest(password, salt), hash);
}

function setPassword(name, password) {
  const salt = randomBytes(16);
  const fresh = fileOf(`.${name}.new`);
  writeFileSync(fresh, `${salt.toString("hex")}:${digest(password, salt).toString("hex")}\n`, { mode: 0o600 });
  renameSync(fresh, fileOf(name));
}

// What becomes of a password: the error code of the completion, and words for people. Never a password.
function take(change) {
  if (!isAccount(change.account)) return { errorCode: 2, message: "there is no file of this name" };
  if ([...change.password].length < SHORTEST) {
    return { errorCode: 1, message: `shorter than ${SHORTEST} characters` };
  }
  try {
    if (!verify(change.account, change.password)) setPassword(change.account, change.password);
  } catch (error) {
    return { errorCode: 8, message: `the adapter failed: ${error.code ?? error.name}` };
  }
  return { errorCode: 0 };
}

async function serveOne(notification) {
  switch (notification.type) {
    case "passwordChange": {
      const { trackingId, account: name, attempt } = notification;
      say(`A password is to be set: tracking_id=${trackingId} account=${name} attempt=${attempt}`);
      const result = { ...take(notification), account: name };
      const path = `/notifications/${encodeURIComponent(trackingId)}/complete`;
      const { state } = await insist(() => call("POST", path, result));
      say(`The notification is completed: tracking_id=${trackingId} error_code=${result.errorCode} state=${state}`);
      return;
    }
    case "statusRequest":
      await insist(() => call("POST", "/status", { online: true }));
      return;
    case "shutdown":
      throw new Away("the controller stops");
    case "adaptersInGroup": // these three come to a group adapter
      say(`The adapters in the group are: ${notification.adapters.join(" ")}`);
      return;
    case "addAdapter":
      say(`An adapter was added to the group: ${notification.adapter}`);
      return;
    case "deleteAdapter":
      say(`An adapter was deleted from the group: ${notification.adapter}`);
      return;
    default:
      say(`A notification of an unknown type was passed over: type=${notification.type}`);
  }
}

async function serveNext() {
  if (!session) {
    const begun = await call("POST", "/session");
    session = begun.session;
    say(`The session has begun: reconnected=${begun.reconnected}`);
  }
  // Node 18 has no AbortSignal.any: the server ends the call by itself after 30 seconds.
  const notification = await call("GET", "/notifications?wait=30", undefined, { signal: stop.signal });
  if (notification.type) await serveOne(notification);
}

async function serve() {
  for (const name of ["SIGTERM", "SIGINT"]) process.on(name, () => stop.abort());
  for (let failures = 0; !stop.signal.aborted; ) {
    try {
      await serveNext();
      failures = 0;
    } catch (error) {
      if (stop.signal.aborted) break;
      if (error.code === "wrongState") session = "";
      else if (!(error instanceof Away) && error.reason !== "adapterDisabled") throw error;
      await pause(failures, error.message);
      failures += 1;
    }
  }
  if (session) {
    const { returned } = await call("DELETE", "/session");
    say(`The session has ended: returned=${returned}`);
  }
}

async function passwd() {
  const [oldPassword, password] = readFileSync(0, "utf8").split("\n");
  if (!isAccount(account)) throw new Error(`there is no account ${account}`);
  if (!verify(account, oldPassword)) throw new Error("the old password is wrong");
  setPassword(account, password);
  const occurredAt = new Date().toISOString();
  const report = { account, password, oldPassword, occurredAt };
  say((await insist(() => call("POST", "/changes", report))).trackingId);
}

class Misused extends Error {}

function checkArguments() {
  const isWhole = command === "passwd" ? account : command === "serve" && folder;
  if (!isWhole) throw new Misused("usage: adapter.mjs {serve,passwd} URL ADAPTER TOKEN_FILE FOLDER [ACCOUNT]");
  if (!existsSync(folder)) throw new Misused(`there is no folder ${folder}: make it first`);
}

function checkAddress() {
  const { protocol, hostname } = new URL(url);
  const isHere = ["127.0.0.1", "[::1]", "localhost"].includes(hostname);
  if (protocol !== "https:" && !(protocol === "http:" && isHere)) {
    throw new Error("the controller is on another machine, and its answers hold passwords: use https://");
  }
}

try {
  checkArguments();
  checkAddress();
  await (command === "passwd" ? passwd() : serve());
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = error instanceof Misused ? 2 : error.code === "wrongSession" ? 3 : 1;
}
