import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { ProtobufMessage } from "../formats/protobuf-message.js";
import { diskError } from "./durable-write.js";
import { tfRecord } from "./tf-record.js";

/** Files that this writes, among others that may lie in their folder. */
export const EVENT_FILE = /^events\.out\.tfevents\./;

/** What TensorBoard looks for at the start of a file. */
const FILE_VERSION = "brain.Event:2";

/** SessionLog.SessionStatus.START: what other files of the folder say about this step and later ones counts no more. */
const SESSION_START = 1;

/** Numbers of the fields in tensorflow/core/util/event.proto and tensorflow/core/framework/summary.proto. */
const EVENT = { wallTime: 1, step: 2, fileVersion: 3, summary: 5, sessionLog: 7 } as const;
const SESSION_LOG = { status: 1 } as const;
const SUMMARY = { value: 1 } as const;
const VALUE = { tag: 1, simpleValue: 2 } as const;

/** A file of scalars for TensorBoard: TFRecords, each an Event. It tells the time, so no two are equal. */
export class EventFile {
  private readonly path: string;

  /**
   * Makes a new file.
   *
   * @param folder  made if it is not there
   * @param step  the first one that the file will tell about
   * @throws ResourceError if the disk is full
   */
  constructor(folder: string, step: number) {
    mkdirSync(folder, { recursive: true });
    this.path = newFile(folder);
    this.add(eventAt(0).text(EVENT.fileVersion, FILE_VERSION));
    if (step > 0) {
      const log = new ProtobufMessage().whole(SESSION_LOG.status, SESSION_START);
      this.add(eventAt(step).message(EVENT.sessionLog, log));
    }
  }

  /** Adds the numbers of a step. @throws ResourceError if the disk is full */
  addScalars(step: number, scalars: readonly (readonly [tag: string, value: number])[]): void {
    const summary = new ProtobufMessage();
    for (const [tag, value] of scalars) {
      summary.message(SUMMARY.value, new ProtobufMessage().text(VALUE.tag, tag).float(VALUE.simpleValue, value));
    }
    this.add(eventAt(step).message(EVENT.summary, summary));
  }

  private add(event: ProtobufMessage): void {
    try {
      appendFileSync(this.path, tfRecord(event.bytes()));
    } catch (error) {
      throw diskError(this.path, error);
    }
  }
}

/** An Event of a step, now. */
function eventAt(step: number): ProtobufMessage {
  return new ProtobufMessage().double(EVENT.wallTime, Date.now() / 1000).whole(EVENT.step, step);
}

/** An empty file with a name as TensorBoard sorts them: by seconds, then host, process, number. */
function newFile(folder: string): string {
  const seconds = String(Math.floor(Date.now() / 1000)).padStart(10, "0");
  for (let number = 0; ; number++) {
    const path = join(folder, `events.out.tfevents.${seconds}.${hostname()}.${process.pid}.${number}`);
    try {
      writeFileSync(path, "", { flag: "wx" });
      return path;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw diskError(path, error);
    }
  }
}
