/**
 * A disk that is soon full: a small tmpfs of its own, and what fills it. Needs the right to mount.
 *
 * @module
 */

/** A tmpfs that is unmounted at the end of its block. */
export class SmallDisk implements Disposable {
  readonly path = Deno.makeTempDirSync({ prefix: "fernchat-disk-" });

  /** Of so many bytes: SQLite needs some 200 KiB for a new database and its journal. */
  constructor(bytes: number) {
    try {
      run("mount", "-t", "tmpfs", "-o", `size=${bytes}`, "none", this.path);
    } catch (error) {
      Deno.removeSync(this.path);
      throw error;
    }
  }

  file(name: string): string {
    return `${this.path}/${name}`;
  }

  /** Takes so many bytes, in a file of that name. */
  take(name: string, bytes: number): void {
    Deno.writeFileSync(this.file(name), new Uint8Array(bytes));
  }

  /** Takes all that is left, in a file of that name. */
  fill(name: string): void {
    using file = Deno.openSync(this.file(name), { write: true, create: true });
    const page = new Uint8Array(4096);
    try {
      for (;;) file.writeSync(page);
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ENOSPC")) throw error;
    }
  }

  free(name: string): void {
    Deno.removeSync(this.file(name));
  }

  /** From now on, nothing on it can be written. No file may be open for that. */
  makeReadOnly(): void {
    run("mount", "-o", "remount,ro", this.path);
  }

  [Symbol.dispose](): void {
    run("umount", "--lazy", this.path);
    Deno.removeSync(this.path);
  }
}

/** Why this process cannot have one, where that is so: it takes root, and a container that lets it. */
export const NO_SMALL_DISK = obstacle();

function obstacle(): string | undefined {
  try {
    new SmallDisk(64 * 1024)[Symbol.dispose]();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function run(command: string, ...args: string[]): void {
  const { success, stderr } = new Deno.Command(command, { args }).outputSync();
  if (!success) throw new Error(new TextDecoder().decode(stderr).trim());
}
