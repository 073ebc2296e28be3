// Calls to operations through the one server function. It never rejects: `undefined` means the transport failed.

import { urls } from "./urls.js";

export class RpcError extends Error {
  /** @param {string} code conflict, bad_input, not_found, unavailable, forbidden, offline, login or error */
  constructor(code, message, details = {}) {
    super(message);
    this.code = code;
    this.details = details;
  }
}

/** @param {{rpc: (message: {m: string, p: object}) => Promise<any>}} server  what Gradio hands to the page */
export function createRpc(server, probe = whyNoAnswer) {
  return async function call(op, args = {}) {
    let answer;
    try {
      answer = await server.rpc({ m: op, p: args });
    } catch {
      answer = undefined;
    }
    if (answer === undefined || answer === null) throw await probe();
    if (!answer.ok) throw new RpcError(answer.code ?? "error", answer.message ?? `${op} failed`, answer.details ?? {});
    return answer.result;
  };
}

/** Find out whether the server is gone, wants a login, or failed. */
async function whyNoAnswer() {
  let answer;
  try {
    answer = await fetch(urls.login(), { cache: "no-store" });
  } catch {
    return new RpcError("offline", "The server cannot be reached; your work is kept here and sent when it is back.");
  }
  if (answer.status === 401) return new RpcError("login", "Your login has ended; log in again and your work is sent.");
  return new RpcError("error", "The server could not answer; its log says why.");
}
