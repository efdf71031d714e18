/**
 * Sizes that are checked before anything is decoded.
 *
 * @module
 */

/** Bytes of a key package: two X-Wing keys (1216 each), two signatures and a credential are 2.9 KiB. */
export const MAX_KEY_PACKAGE_BYTES = 8 * 1024;

/** Bytes of a commit or a welcome: one that adds 600 devices has 1.8 MiB. */
export const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;

/** Bytes of a group's encoded state: that of 1,000 devices has some 3 MiB. */
export const MAX_STATE_BYTES = 8 * 1024 * 1024;

/** Nodes of a ratchet tree: 8,192 leaves, those of 512 accounts with 16 devices each. */
export const MAX_TREE_NODES = 2 * 8192 - 1;

/** Admins of a room. */
export const MAX_ADMINS = 64;
