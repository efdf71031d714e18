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

/** How many members a sealed room has is known; who is in an open one, a running server alone knows. */
async function list({ rooms, delivery }: Operations): Promise<Outcome> {
  const { formatTable } = await import("./table.ts");
  const counts = delivery.rooms.countMembers();
  const all = rooms.list().map((room) =>
    room.kind === "sealed" ? { ...room, members: counts.get(room.name) ?? 0 } : room
  );
  const columns = ["NAME", "KIND", "MEMBERS", "SLOW", "TOPIC"].map((title) => ({ title }));
  const rows = all.map((room) => {
    const { name, kind, slow, topic } = room;
    const members = "members" in room ? String(room.members) : "";
    return [name, kind, members, slow === 0 ? "" : formatDuration(slow), topic];
  });
  return { lines: formatTable(columns, rows), json: [{ rooms: all }] };
}
