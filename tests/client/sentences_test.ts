/** What happens to people and rooms, as lines. */

import assert from "node:assert/strict";
import {
  describeLeft,
  describePresence,
  describeSlow,
  describeTopic,
} from "../../lib/client/sentences.ts";
import type { PresenceChange } from "../../lib/protocol/requests.ts";

/** People who do the same. */
function all(change: PresenceChange["change"], ...users: string[]): PresenceChange[] {
  return users.map((user) => ({ user, change }));
}

Deno.test("forty people who come are one line, with two names", () => {
  const class40 = Array.from({ length: 40 }, (_, at) => `student${at + 1}`);
  const line = describePresence({ changes: all("joined", ...class40), more: 0 }, "me");
  assert.equal(line, "student1, student2 and 38 others joined");
});

Deno.test("each kind of change is told once, with the reason where there is one person", () => {
  const changes = [
    ...all("left", "a", "b"),
    ...all("joined", "c"),
    ...all("away", "d").map((change) => ({ ...change, text: "lunch" })),
    ...all("back", "e", "f", "g"),
  ];
  assert.equal(
    describePresence({ changes, more: 0 }, "me"),
    "c joined; a and b left; d is away: lunch; e, f and 1 other are back",
  );
});

Deno.test("own presence is not told; what the server only counted is", () => {
  assert.equal(describePresence({ changes: all("joined", "me"), more: 0 }, "me"), undefined);
  assert.match(describePresence({ changes: all("joined", "me"), more: 7 }, "me") ?? "", /7 more/);
  assert.equal(
    describePresence({ changes: all("joined", "me", "bob"), more: 0 }, "me"),
    "bob joined",
  );
});

Deno.test("topics, speed limits and departures say of which room, and who did it if that is known", () => {
  const [room, by] = ["physics", "olga"];
  assert.equal(
    describeTopic({ room, topic: "waves", by }),
    "olga changed the topic of physics: waves",
  );
  assert.equal(describeTopic({ room, topic: "waves" }), "The topic of physics: waves");
  assert.equal(describeTopic({ room, topic: "" }), "physics has no topic");
  assert.match(describeSlow({ room, seconds: 90, by }), /physics .*1 minute 30 seconds.*olga/);
  assert.equal(describeSlow({ room, seconds: 0 }), "physics is not slow any more");
  const left = { type: "left", room, reason: "kicked", message: "olga put you out" } as const;
  assert.equal(describeLeft(left), "You are out of physics: olga put you out");
  assert.equal(describeLeft({ ...left, reason: "left" }), "You left physics");
});
