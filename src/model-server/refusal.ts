// What a client did wrong, or must try again: a status and the sentence that goes into `{"error": …}`.

export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}
