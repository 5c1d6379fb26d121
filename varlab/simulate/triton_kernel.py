"""The fused kernel: draws, averages and power sums in registers; per step only the sums leave the chip.

Imported only where Triton is used: on CUDA, or in Triton's interpreter (``TRITON_INTERPRET=1``).
"""

import triton
import triton.language as tl

# A program's trajectories: enough per step to hide the reduction, few enough for registers.
PROGRAM = 256
# Settings that share the draws of a program; the averages of all stay in registers. With more than one
# statistic eight would need more than the 255 registers of a thread.
LARGEST_STACK, LARGEST_STACK_OF_SEVERAL = 8, 4


def largest_stack(statistics: int) -> int:
    """Settings of one launch."""
    return LARGEST_STACK if statistics == 1 else LARGEST_STACK_OF_SEVERAL


@triton.jit
def _add_powers(
    x, centre_ptr, sums_ptr, inside, number, settings, steps, step, STACK: tl.constexpr
):
    """Sums of (x - centre)^k, k = 1..4, over the program's trajectories, stored for one step."""
    s = tl.arange(0, STACK)
    known = (s < settings) & (step < steps)
    centre = tl.load(centre_ptr + (number * settings + s) * steps + step, mask=known, other=0.0)
    d = tl.where(inside[None, :], x - centre[:, None], 0.0)
    d2 = d * d
    at = sums_ptr + (number * 4 * settings + s) * steps + step
    tl.store(at, tl.sum(d, axis=1), mask=known)
    tl.store(at + settings * steps, tl.sum(d2, axis=1), mask=known)
    tl.store(at + 2 * settings * steps, tl.sum(d2 * d, axis=1), mask=known)
    tl.store(at + 3 * settings * steps, tl.sum(d2 * d2, axis=1), mask=known)


@triton.jit
def moments_kernel(
    sums_ptr,  # (program, statistic, 4, setting, step) float32
    centre_ptr,  # (statistic, setting, step) float32
    seeds_ptr,  # (block,) int64
    sizes_ptr,  # (block,) int32: trajectories of the block
    shifts_ptr,  # (setting,) float32: mu/sigma
    beta2_ptr,  # (setting,) float32: 1 - b2
    settings,
    steps,
    programs,  # per block
    complement1,  # 1 - b1
    smallest,  # v is not let below it: see varlab.simulate.plan
    PSI: tl.constexpr,  # place of the statistic, or -1
    LOG_PSI: tl.constexpr,
    INVERSE_V: tl.constexpr,
    UPDATE: tl.constexpr,
    STATISTICS: tl.constexpr,
    STACK: tl.constexpr,
    SIZE: tl.constexpr,
):
    """Sums about ``centre`` of every statistic of v, for SIZE trajectories of one block."""
    program = tl.program_id(0)
    block = program // programs
    seed = tl.load(seeds_ptr + block)
    size = tl.load(sizes_ptr + block)
    trajectory = (program % programs) * SIZE + tl.arange(0, SIZE)
    inside = trajectory < size
    s = tl.arange(0, STACK)
    shift = tl.load(shifts_ptr + s, mask=s < settings, other=0.0)
    complement2 = tl.load(beta2_ptr + s, mask=s < settings, other=1.0)
    own_sums = sums_ptr + program.to(tl.int64) * (STATISTICS * 4 * settings * steps)
    v = tl.zeros([STACK, SIZE], tl.float32)
    m = tl.zeros([STACK, SIZE], tl.float32)
    zero = trajectory * 0
    for start in range(0, steps, 4):  # Philox makes four numbers at a time
        a, b, c, d = tl.philox(seed, trajectory, zero + start, zero, zero)
        z0, z1 = tl.pair_uniform_to_normal(tl.uint_to_uniform_float(a), tl.uint_to_uniform_float(b))
        z2, z3 = tl.pair_uniform_to_normal(tl.uint_to_uniform_float(c), tl.uint_to_uniform_float(d))
        for ahead in tl.static_range(4):
            if ahead == 0:
                z = z0
            elif ahead == 1:
                z = z1
            elif ahead == 2:
                z = z2
            else:
                z = z3
            g = z[None, :] + shift[:, None]
            v = tl.maximum(v + complement2[:, None] * (g * g - v), smallest)
            step = start + ahead
            if LOG_PSI >= 0:
                _add_powers(
                    tl.log(v), centre_ptr, own_sums, inside, LOG_PSI, settings, steps, step, STACK
                )
            psi = tl.rsqrt(v)
            if INVERSE_V >= 0:
                _add_powers(
                    psi * psi, centre_ptr, own_sums, inside, INVERSE_V, settings, steps, step, STACK
                )
            if UPDATE >= 0:
                m = m + complement1 * (g - m)
                _add_powers(
                    m * psi, centre_ptr, own_sums, inside, UPDATE, settings, steps, step, STACK
                )
            if PSI >= 0:
                _add_powers(psi, centre_ptr, own_sums, inside, PSI, settings, steps, step, STACK)
