"""The processes that train one model together, as `torchrun` starts them: alone unless it set RANK and WORLD_SIZE."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from toolkit.core import UsageError

if TYPE_CHECKING:
    from toolkit.train import Group


@dataclass(frozen=True)
class Process:
    """Where one process stands in its group, and the device it trains on."""

    group: Group
    device: str

    @property
    def speaks(self) -> bool:
        """One process of a group prints; the others train in silence."""
        return self.group.rank == 0

    def anyone(self, wish: Callable[[], bool]) -> Callable[[], bool]:
        """``wish``, true everywhere once it is true in one process; all of them must ask equally often."""
        if self.group.size == 1:
            return wish

        def heard() -> bool:
            import torch
            import torch.distributed as dist

            wishes = torch.tensor([int(wish())])
            dist.all_reduce(wishes, dist.ReduceOp.MAX)
            return bool(wishes.item())

        return heard


@contextmanager
def this_process(device: str) -> Iterator[Process]:
    """The place of this process, its group joined on entry and left again; ``device`` as the user asked."""
    from toolkit.train import ALONE, Group

    if not {"RANK", "WORLD_SIZE"} <= os.environ.keys():
        yield Process(ALONE, device)
        return
    import torch
    import torch.distributed as dist

    try:
        group = Group(int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"]))
        local = int(os.environ.get("LOCAL_RANK", group.rank))
    except ValueError:
        raise UsageError("RANK, WORLD_SIZE and LOCAL_RANK are whole numbers, as torchrun sets them.") from None
    on_cuda = device == "cuda" or (device == "auto" and torch.cuda.is_available())
    if on_cuda:
        torch.cuda.set_device(local)
    # What the first process says travels between CPUs, gradients between GPUs.
    dist.init_process_group("cpu:gloo,cuda:nccl" if on_cuda else "gloo")
    try:
        yield Process(group, f"cuda:{local}" if on_cuda else device)
    finally:
        dist.destroy_process_group()
