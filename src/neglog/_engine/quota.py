"""The CPU time that a container grants this process, read from the files of Linux' cgroups."""

import math
import os.path


def cpu_quota(cgroup: str = "/proc/self/cgroup", root: str = "/sys/fs/cgroup") -> int | None:
    """The number of CPUs whose time the process may use, rounded up; None without a limit.

    A group is bound by its parents, too. A container may see the path of its group as the host
    names it, while `root` is its own group already: folders that do not exist are passed over.

    Args:
        cgroup: the file that names the groups of the process.
        root: the folder where cgroups are mounted.
    """
    limits = []
    for line in _read(cgroup).splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if not controllers:  # version 2
            limits += [_version_2(folder) for folder in _upwards(root, path)]
        elif "cpu" in controllers.split(","):
            for mount in {controllers, "cpu"}:
                limits += [_version_1(folder) for folder in _upwards(f"{root}/{mount}", path)]
    found = [limit for limit in limits if limit is not None]
    return max(1, math.ceil(min(found))) if found else None


def _upwards(mount: str, path: str) -> list[str]:
    """The folder of a group and those of its parents."""
    parts = [part for part in path.split("/") if part not in {"", ".."}]
    return [os.path.join(mount, *parts[:n]) for n in range(len(parts), -1, -1)]


def _version_2(folder: str) -> float | None:
    quota, _, period = _read(f"{folder}/cpu.max").partition(" ")
    return _ratio(quota, period)


def _version_1(folder: str) -> float | None:
    return _ratio(_read(f"{folder}/cpu.cfs_quota_us"), _read(f"{folder}/cpu.cfs_period_us"))


def _ratio(quota: str, period: str) -> float | None:
    """CPUs; None for "max", -1 and whatever else is no limit."""
    try:
        time, of = int(quota), int(period)
    except ValueError:
        return None
    return time / of if time > 0 and of > 0 else None


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
