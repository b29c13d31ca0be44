export function gelu_f32(n: i32, x: usize, y: usize, begin: i32, end: i32): void {
  for (let i = begin; i < end; i++) store<f32>(y + (<usize>i << 2), load<f32>(x + (<usize>i << 2)));
}
export function gelu_grad_f32(n: i32, x: usize, dy: usize, beta: f32, dx: usize, begin: i32, end: i32): void {}
