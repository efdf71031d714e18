/**
 * The server's `room` commands: flags to options.
 *
 * @module
 */

import type { Command } from "commander";
import { formatDuration } from "../durations.ts";
import { CONSOLE, type Operations } from "../server/operations.ts";
import { operatorCommand, type OperatorFlags, type Outcome } from "./operator_command.ts";

interface Flags extends OperatorFlags {
  topic?: string;
}

/** Adds `room create` and `room list`. */
export function addRoomCommands(program: Command, defaultDb: string): void {
  const room = program.command("room").description("the rooms: create, list");
  operatorCommand(
    room.command("create <name>").description("make an open room, beside the lobby"),
    { defaultDb, create: true },
    create,
  ).option("--topic <text>", "what it is about");
  operatorCommand(
    room.command("list").description("show all rooms"),
    { defaultDb },
    list,
  );
}

function create(operations: Operations, { topic = "" }: Flags, typed = ""): Outcome {
  const { name, kind } = operations.createRoom(CONSOLE, typed, topic);
  return {
    lines: [`Created the ${kind} room ${name}`],
    json: [{ event: "room-created", name, kind, topic }],
  };
}

async function list({ rooms }: Operations): Promise<Outcome> {
  const { formatTable } = await import("./table.ts");
  const all = rooms.list();
  const columns = ["NAME", "KIND", "SLOW", "TOPIC"].map((title) => ({ title }));
  const rows = all.map((
    { name, kind, slow, topic },
  ) => [name, kind, slow === 0 ? "" : formatDuration(slow), topic]);
  return { lines: formatTable(columns, rows), json: [{ rooms: all }] };
}
