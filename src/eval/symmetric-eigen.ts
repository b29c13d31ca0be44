import { NumericError } from "../errors.js";
import { Rng } from "../tensor/random.js";

/** Keeps the draws apart from other uses of a seed: "lanc" in ASCII. */
const STREAM = 0x6c616e63;

/** Residuals ‖A v − λ v‖ up to this share of the largest eigenvalue count as none. */
const TOLERANCE = 1e-10;
/** What is below this share of the matrix's Frobenius norm counts as zero: the rounding of entries in single precision. */
const NOTHING = 1e-7;
/** Steps within one invariant subspace before its Ritz values are trusted. */
const LEAST_STEPS = 16;
/** Steps of the QR iteration per eigenvalue; two or three are usual. */
const MAX_STEPS = 60;

/** Eigenvalues in descending order, and a unit eigenvector for each. */
export interface Eigenpairs {
  readonly values: Float64Array;
  /** One row per eigenvalue [k, n]; the coordinate of the largest size is positive. */
  readonly vectors: readonly Float64Array[];
}

/**
 * The k largest eigenvalues of a symmetric matrix without negative ones, such as a covariance, with their eigenvectors:
 * Lanczos' method with full reorthogonalisation (Paige, 1971; Parlett, 1980), in double precision, a function of the matrix
 * alone.
 *
 * @param matrix  [n, n]
 * @param k  how many; fewer come back where the matrix has a lower rank
 * @throws NumericError if an entry is not finite
 */
export function leadingEigenpairs(matrix: Float64Array, n: number, k: number): Eigenpairs {
  if (!matrix.every(Number.isFinite))
    throw new NumericError("eigenpairs: the matrix holds a number that is not finite.");
  const basis = new KrylovBasis(matrix, n);
  let nextCheck = Math.min(n, 2 * k + LEAST_STEPS);
  for (;;) {
    const complete = !basis.extend();
    if (!complete && (basis.size < nextCheck || basis.stepsSinceStart < LEAST_STEPS)) continue;
    const projected = tridiagonalEigenpairs(basis.diagonal, basis.offDiagonal);
    const wanted = Math.min(k, projected.values.length);
    if (complete || basis.residual(projected, wanted) <= TOLERANCE * projected.values[0]) {
      return basis.lift(projected, wanted);
    }
    nextCheck = Math.ceil(1.25 * basis.size);
  }
}

/** Orthonormal vectors in which the matrix is tridiagonal, one more with each step. */
class KrylovBasis {
  readonly diagonal: number[] = [];
  /** offDiagonal[i] couples vectors i and i + 1; the last one couples to the vector that comes next. */
  readonly offDiagonal: number[] = [];
  /** Steps since the last vector that was drawn. */
  stepsSinceStart = 0;
  private readonly matrix: Float64Array;
  private readonly n: number;
  private readonly rng = new Rng(0, STREAM);
  private readonly vectors: Float64Array[] = [];
  private next: Float64Array | null;
  private readonly least: number;

  constructor(matrix: Float64Array, n: number) {
    this.matrix = matrix;
    this.n = n;
    this.least = NOTHING * Math.sqrt(dot(matrix, matrix));
    this.next = this.draw();
  }

  get size(): number {
    return this.diagonal.length;
  }

  /** Adds a vector. @returns false once the vectors span everything but what the matrix maps to zero */
  extend(): boolean {
    const vector = this.next;
    if (!vector) return false;
    const image = multiply(this.matrix, vector);
    this.vectors.push(vector);
    this.diagonal.push(dot(image, vector));
    this.stepsSinceStart++;
    this.orthogonalize(image);
    const length = Math.sqrt(dot(image, image));
    const open = length > this.least && this.size < this.n;
    this.offDiagonal.push(open ? length : 0);
    if (open) this.next = scale(image, 1 / length);
    else {
      this.next = this.draw();
      this.stepsSinceStart = 0;
    }
    return this.next !== null;
  }

  /** The largest ‖A v − λ v‖ among the first pairs. */
  residual({ vectors }: Eigenpairs, count: number): number {
    const last = this.size - 1;
    return Math.max(0, ...vectors.slice(0, count).map((vector) => Math.abs(this.offDiagonal[last] * vector[last])));
  }

  /** Eigenpairs of the tridiagonal matrix as eigenpairs of the matrix. */
  lift({ values, vectors }: Eigenpairs, count: number): Eigenpairs {
    return {
      values: values.slice(0, count),
      vectors: vectors.slice(0, count).map((weights) => {
        const vector = new Float64Array(this.n);
        this.vectors.forEach((part, j) => {
          addScaled(vector, weights[j], part);
        });
        return withPositivePeak(vector);
      }),
    };
  }

  /** A random unit vector orthogonal to all so far, or null if the matrix maps the rest of the space to zero. */
  private draw(): Float64Array | null {
    if (this.size === this.n) return null;
    const vector = Float64Array.from({ length: this.n }, () => this.rng.normal());
    this.orthogonalize(vector);
    scale(vector, 1 / Math.sqrt(dot(vector, vector)));
    const image = multiply(this.matrix, vector);
    return dot(image, image) > this.least * this.least ? vector : null;
  }

  /** Twice, since one pass leaves what its own rounding brings (Kahan and Parlett). */
  private orthogonalize(vector: Float64Array): void {
    for (let pass = 0; pass < 2; pass++) {
      for (const other of this.vectors) addScaled(vector, -dot(other, vector), other);
    }
  }
}

/**
 * All eigenpairs of a tridiagonal matrix: QR steps with Wilkinson's shift, the bulge chased downward (Golub and Van Loan,
 * Matrix Computations, §8.3).
 *
 * @param diagonal  m numbers
 * @param offDiagonal  at least m − 1 numbers; further ones are not read
 */
export function tridiagonalEigenpairs(diagonal: readonly number[], offDiagonal: readonly number[]): Eigenpairs {
  const m = diagonal.length;
  const d = Float64Array.from(diagonal);
  const e = Float64Array.from({ length: m }, (_, i) => (i < m - 1 ? offDiagonal[i] : 0));
  const vectors = Array.from({ length: m }, (_, i) => {
    const unit = new Float64Array(m);
    unit[i] = 1;
    return unit;
  });
  let steps = 0;
  for (let high = m - 1; high > 0; ) {
    for (let i = 0; i < high; i++)
      if (Math.abs(e[i]) <= Number.EPSILON * (Math.abs(d[i]) + Math.abs(d[i + 1]))) e[i] = 0;
    if (e[high - 1] === 0) {
      high--;
      continue;
    }
    let low = high - 1;
    while (low > 0 && e[low - 1] !== 0) low--;
    if (++steps > MAX_STEPS * m) throw new NumericError("eigenpairs: the QR iteration has not converged.");
    shiftedStep({ d, e, vectors }, low, high);
  }
  const order = Array.from(d.keys()).sort((a, b) => d[b] - d[a]);
  return { values: Float64Array.from(order, (i) => d[i]), vectors: order.map((i) => vectors[i]) };
}

interface Tridiagonal {
  readonly d: Float64Array;
  readonly e: Float64Array;
  /** Row i becomes the eigenvector of d[i]. */
  readonly vectors: readonly Float64Array[];
}

/** One implicit QR step on rows low … high, none of which is coupled to the others. */
function shiftedStep({ d, e, vectors }: Tridiagonal, low: number, high: number): void {
  const half = (d[high - 1] - d[high]) / 2;
  const coupling = e[high - 1];
  const root = Math.sqrt(half * half + coupling * coupling);
  const shift = d[high] - (coupling * coupling) / (half + (half < 0 ? -root : root));
  let x = d[low] - shift;
  let bulge = e[low];
  for (let i = low; i < high; i++) {
    const length = Math.sqrt(x * x + bulge * bulge);
    const [c, s] = length === 0 ? [1, 0] : [x / length, bulge / length];
    if (i > low) e[i - 1] = length;
    const [a, b, between] = [d[i], d[i + 1], e[i]];
    d[i] = c * c * a + 2 * c * s * between + s * s * b;
    d[i + 1] = s * s * a - 2 * c * s * between + c * c * b;
    e[i] = c * s * (b - a) + (c * c - s * s) * between;
    x = e[i];
    if (i < high - 1) {
      bulge = s * e[i + 1];
      e[i + 1] *= c;
    }
    rotate(vectors[i], vectors[i + 1], c, s);
  }
}

function rotate(u: Float64Array, v: Float64Array, c: number, s: number): void {
  for (let j = 0; j < u.length; j++) {
    const [a, b] = [u[j], v[j]];
    u[j] = c * a + s * b;
    v[j] = c * b - s * a;
  }
}

/** A·x for a symmetric matrix, row by row. */
function multiply(matrix: Float64Array, x: Float64Array): Float64Array {
  const n = x.length;
  const y = new Float64Array(n);
  for (let i = 0; i < n; i++) y[i] = dot(matrix.subarray(i * n, (i + 1) * n), x);
  return y;
}

/** In four sums, which the host can form side by side. */
function dot(a: Float64Array, b: Float64Array): number {
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  const whole = a.length - (a.length % 4);
  for (let i = 0; i < whole; i += 4) {
    s0 += a[i] * b[i];
    s1 += a[i + 1] * b[i + 1];
    s2 += a[i + 2] * b[i + 2];
    s3 += a[i + 3] * b[i + 3];
  }
  for (let i = whole; i < a.length; i++) s0 += a[i] * b[i];
  return s0 + s1 + (s2 + s3);
}

function addScaled(y: Float64Array, factor: number, x: Float64Array): void {
  for (let i = 0; i < y.length; i++) y[i] += factor * x[i];
}

function scale(x: Float64Array, factor: number): Float64Array {
  for (let i = 0; i < x.length; i++) x[i] *= factor;
  return x;
}

/** Eigenvectors have no sign of their own; this one makes results comparable. */
function withPositivePeak(x: Float64Array): Float64Array {
  let peak = 0;
  for (const value of x) if (Math.abs(value) > Math.abs(peak)) peak = value;
  return peak < 0 ? scale(x, -1) : x;
}
