/** Element types: f32 for numbers, i32 for indices and labels, u8 for images and masks. */
export type DType = "f32" | "i32" | "u8";

/** Bytes of one element. */
export const sizeOf = { f32: 4, i32: 4, u8: 1 } as const satisfies Record<DType, number>;
