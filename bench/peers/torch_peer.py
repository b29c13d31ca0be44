"""PyTorch as a peer: answers the driver's questions (protocol.ts), one JSON object a line."""

import ctypes
import json
import math
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F

out = sys.stdout
sys.stdout = sys.stderr
torch.set_num_threads(1)


def uniform(seed, shape):
    """The numbers of inputs.ts."""
    count = math.prod(shape)
    index = np.arange(1, count + 1, dtype=np.uint32)
    with np.errstate(over="ignore"):
        h = index * np.uint32(0x9E3779B1) ^ np.uint32((seed + 1) * 0x85EBCA6B & 0xFFFFFFFF)
        h = (h ^ (h >> np.uint32(16))) * np.uint32(0x7FEB352D)
        h = (h ^ (h >> np.uint32(15))) * np.uint32(0x846CA68B)
        h = (h ^ (h >> np.uint32(16))) >> np.uint32(8)
    return torch.from_numpy((h.astype(np.float64) / 2**23 - 1).astype(np.float32).reshape(shape))


def sample(values):
    """The places of protocol.ts."""
    flat = values.detach().contiguous().reshape(-1)
    length = flat.numel()
    index = torch.arange(min(256, length), dtype=torch.int64) * 104729 % length
    return {"values": flat[index].tolist(), "largest": flat.abs().max().item(), "length": length}


class Operation:
    def __init__(self, run, outputs=None):
        self.run = run
        self.outputs = outputs or (lambda: [run()])


def product(kind, m, k, n, batch=None):
    lead = [batch] if batch else []
    a = uniform(1, lead + ([k, m] if kind == "TN" else [m, k]))
    b = uniform(2, lead + ([n, k] if kind == "NT" else [k, n]))
    a = a.transpose(-1, -2) if kind == "TN" else a
    b = b.transpose(-1, -2) if kind == "NT" else b
    return Operation(lambda: torch.matmul(a, b))


def softmax(rows, cols):
    x = uniform(1, [rows, cols])
    return Operation(lambda: torch.softmax(x, 1))


def layer_norm(rows, cols):
    x, weight, bias = uniform(1, [rows, cols]), uniform(2, [cols]), uniform(3, [cols])
    return Operation(lambda: F.layer_norm(x, [cols], weight, bias, 1e-6))


def gelu(numbers):
    x = uniform(1, [numbers])
    return Operation(lambda: F.gelu(x))


def attend(q, k, v):
    return torch.softmax(q @ k.transpose(-1, -2) * (1 / math.sqrt(q.shape[-1])), -1) @ v


def attention(batch, heads, tokens, dim):
    qkv = uniform(1, [batch, tokens, 3, heads, dim]).permute(2, 0, 3, 1, 4).contiguous()
    q, k, v = (part.reshape(batch * heads, tokens, dim) for part in qkv)
    run = lambda: attend(q, k, v)
    return Operation(run, lambda: [run().reshape(batch, heads, tokens, dim).transpose(1, 2)])


def adamw(numbers):
    p = torch.nn.Parameter(uniform(1, [numbers]))
    p.grad = uniform(2, [numbers])
    optimizer = torch.optim.AdamW([p], lr=0.1, weight_decay=0.1, betas=(0.9, 0.999), eps=1e-8)

    def outputs():
        optimizer.step()
        return [p]

    return Operation(optimizer.step, outputs)


def conv(batch, side, to, kernel, stride, padding, part, **rest):
    source = rest["from"]
    x = uniform(1, [batch, side, side, source]).permute(0, 3, 1, 2).contiguous()
    w = uniform(2, [to, source, kernel, kernel])
    size = (side + 2 * padding - kernel) // stride + 1
    last = lambda y: y.permute(0, 2, 3, 1)
    if part == "forward":
        run = lambda: F.conv2d(x, w, stride=stride, padding=padding)
        return Operation(run, lambda: [last(run())])
    dy = uniform(3, [batch, size, size, to]).permute(0, 3, 1, 2).contiguous()
    wanted = [part == "images", part == "weights", False]
    strides, pads, ones, zeros = [stride] * 2, [padding] * 2, [1, 1], [0, 0]
    backward = torch.ops.aten.convolution_backward
    run = lambda: backward(dy, x, w, None, strides, pads, ones, False, zeros, 1, wanted)
    return Operation(run, lambda: [last(run()[0]) if part == "images" else run()[1]])


def small_ops(count, backward):
    x, y = uniform(1, [8, 8]).requires_grad_(), uniform(2, [8, 8])

    def chain():
        total = x
        for _ in range(count):
            total = total + y
        return total

    def run():
        total = chain()
        if backward:
            total.sum().backward()

    return Operation(run, lambda: [chain()])


def vit_step(model, starts, labels, seed, losses):
    """One training step of the model of vit.ts."""
    batch, width, depth, heads = (model[key] for key in ("batch", "width", "depth", "heads"))
    p = {}
    for start in starts:
        value = start["base"] + start["scale"] * uniform(start["seed"], start["shape"])
        p[start["name"]] = torch.nn.Parameter(value)
    images = uniform(seed, [batch, 3, model["image"], model["image"]])
    target = torch.tensor(labels)
    optimizer = torch.optim.AdamW(
        p.values(),
        lr=model["lr"],
        weight_decay=model["weightDecay"],
        betas=(model["beta1"], model["beta2"]),
        eps=model["eps"],
    )
    linear = lambda x, name: F.linear(x, p[f"{name}.weight"], p[f"{name}.bias"])
    norm = lambda x, name: F.layer_norm(x, [width], p[f"{name}.weight"], p[f"{name}.bias"], model["normEps"])

    def mixed(x, name):
        tokens = x.shape[1]
        qkv = linear(x, f"{name}.qkv").reshape(batch, tokens, 3, heads, width // heads).permute(2, 0, 3, 1, 4)
        return linear(attend(*qkv).transpose(1, 2).reshape(batch, tokens, width), f"{name}.proj")

    def loss():
        side = model["patch"]
        kernel = p["patch_embed.proj.weight"].reshape(width, 3, side, side)
        x = F.conv2d(images, kernel, p["patch_embed.proj.bias"], stride=side).flatten(2).transpose(1, 2)
        x = torch.cat([p["cls_token"].expand(batch, 1, width), x], 1) + p["pos_embed"]
        for i in range(depth):
            name = f"blocks.{i}"
            x = x + mixed(norm(x, f"{name}.norm1"), f"{name}.attn")
            x = x + linear(F.gelu(linear(norm(x, f"{name}.norm2"), f"{name}.mlp.fc1")), f"{name}.mlp.fc2")
        return F.cross_entropy(linear(norm(x, "norm")[:, 0], "head"), target)

    def step():
        value = loss()
        optimizer.zero_grad(set_to_none=False)
        value.backward()
        optimizer.step()
        return value.item()

    return Operation(step, lambda: [torch.tensor([step() for _ in range(losses)])])


operations = {
    "product": product,
    "softmax": softmax,
    "layerNorm": layer_norm,
    "gelu": gelu,
    "attention": attention,
    "adamw": adamw,
    "conv": conv,
    "smallOps": small_ops,
    "vitStep": vit_step,
}
prepared = {}


def timed(run, ms, clock):
    now = time.process_time if clock == "processor" else time.perf_counter
    start = now()
    calls = 0
    while True:
        run()
        calls += 1
        elapsed = 1000 * (now() - start)
        if elapsed >= ms:
            return {"calls": calls, "ms": elapsed}


def answer(request):
    if request["ask"] == "prepare":
        if request["op"] not in operations:
            raise ValueError("no such operation")
        prepared[request["id"]] = operations[request["op"]](**request["spec"])
        return {}
    operation = prepared[request["id"]]
    if request["ask"] == "check":
        start = time.perf_counter()
        outputs = operation.outputs()
        return {"samples": [sample(y) for y in outputs], "ms": 1000 * (time.perf_counter() - start)}
    if request["ask"] == "run":
        return timed(operation.run, request["ms"], request["clock"])
    del prepared[request["id"]]
    return {}


def reply(message):
    out.write(json.dumps(message) + "\n")
    out.flush()




def blas():
    """The BLAS that the system provides, and for which processor it has chosen its kernels."""
    try:
        library = ctypes.CDLL("libblas.so.3")
        parts = [library.openblas_get_config, library.openblas_get_corename]
    except (OSError, AttributeError):
        return "not OpenBLAS"
    for part in parts:
        part.restype = ctypes.c_char_p
    config, core = (part().decode() for part in parts)
    return f"{' '.join(config.split()[:2])} ({core})"


reply({"versions": {"torch": torch.__version__, "python": sys.version.split()[0], "BLAS": blas()}})
for line in sys.stdin:
    try:
        reply(answer(json.loads(line)))
    except Exception as error:  # whatever the peer cannot do is told, not fatal
        reply({"error": str(error) or type(error).__name__})
