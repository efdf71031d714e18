import assert from "node:assert/strict";
import { commit, device, devices, join, keyOf, room } from "./people.ts";

Deno.test("all members derive the same key of an epoch, and each epoch has another one", async () => {
  const [alice, bob, carol] = await devices("alice", "bob", "carol") as [never, never, never];
  const groups = await room(alice, bob, carol);
  const seen = new Set<string>();
  for (const by of [0, 1, 2, 0]) {
    const keys = new Set(await Promise.all(groups.map(keyOf)));
    assert.equal(keys.size, 1);
    seen.add([...keys][0] as string);
    await commit(groups, by, {});
  }
  assert.equal(seen.size, 4);
  const dave = await device("dave");
  const made = await commit(groups, 1, { add: [dave.package] });
  groups.push(await join(dave, made));
  assert.equal(new Set(await Promise.all(groups.map(keyOf))).size, 1);
  await commit(groups, 0, { removeLeaves: [1] });
  assert.equal(groups[1]?.isActive, false);
});
