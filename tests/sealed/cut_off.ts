/**
 * People whose connection can be cut at whatever moment.
 *
 * @module
 */

import type { ConnectOptions } from "../../lib/client/options.ts";
import { Proxy } from "../attacks/proxy.ts";
import { TestServer } from "../attacks/server.ts";
import { accounts, gather, Person } from "./person.ts";

/** A port where nobody listens. */
const NOWHERE = 1;

/** Somebody's connection is cut, and there is no other one until `proxy.target` is a server again. */
export async function cutOff(proxy: Proxy, ...people: readonly Person[]): Promise<void> {
  proxy.target = NOWHERE;
  for (const link of proxy.links) link.cut();
  for (const one of people) await one.sees(({ type }) => type === "reconnecting");
}

/**
 * Cuts the connection behind so many frames from the server, as often as there is one.
 *
 * @returns what resolves when that was done.
 */
export function cutBehind(proxy: Proxy, frames: number): Promise<void> {
  const ended = Promise.withResolvers<void>();
  let left = frames;
  proxy.hooks.toClient = (frame, _, link) => {
    if (left-- > 0) return [frame];
    link.cut();
    ended.resolve();
    return [];
  };
  return ended.promise;
}

/** Alice and bob in one room, one of them behind a proxy; and an account of carol's. */
export class ProxiedPair implements AsyncDisposable {
  readonly server: TestServer;
  readonly proxy: Proxy;
  readonly alice: Person;
  readonly bob: Person;
  /** Who is not behind the proxy. */
  readonly #firm: Person;
  readonly #proxied: Person;

  private constructor(
    server: TestServer,
    proxy: Proxy,
    people: { alice: Person; bob: Person },
    proxied: "alice" | "bob",
  ) {
    this.server = server;
    this.proxy = proxy;
    this.alice = people.alice;
    this.bob = people.bob;
    this.#proxied = people[proxied];
    this.#firm = people[proxied === "alice" ? "bob" : "alice"];
  }

  /** @param options how the one behind the proxy connects. */
  static async start(
    proxied: "alice" | "bob",
    options: Partial<ConnectOptions> = {},
  ): Promise<ProxiedPair> {
    const server = await TestServer.start(accounts("alice", "bob", "carol"));
    const proxy = new Proxy(server.port);
    const come = (name: "alice" | "bob"): Promise<Person> =>
      Person.come(server, name, name === proxied ? { port: proxy.port, ...options } : {});
    const people = { alice: await come("alice"), bob: await come("bob") };
    await gather([people.alice, people.bob]);
    return new ProxiedPair(server, proxy, people, proxied);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#proxied.kill(); // what waits for an answer might wait for ever
    await this.#firm[Symbol.asyncDispose]();
    await this.proxy[Symbol.asyncDispose]();
    await this.server[Symbol.asyncDispose]();
  }
}
