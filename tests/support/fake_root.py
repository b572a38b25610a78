"""A /proc and /sys of a board that is not there."""

from pathlib import Path


def tree(root: Path, files: dict[str, str]) -> Path:
    """Writes the files below `root`, which is returned."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return root


def big_little(
    big_mhz: int = 2400, little_mhz: int = 1800, big_limit_mhz: int = 2400, ticks: int = 0
) -> dict[str, str]:
    """An RK3588: CPUs 0 to 3 are little, 4 to 7 big, in two clusters (Documentation/admin-guide/pm/cpufreq.rst).
    CPU 4 works all the time, the others none of it; `ticks` have passed."""
    files = {"proc/stat": f"cpu  {ticks} 0 0 {7 * ticks} 0 0 0 0 0 0\n"}
    for cpu in range(8):
        busy, idle = (ticks, 0) if cpu == 4 else (0, ticks)
        files["proc/stat"] += f"cpu{cpu} {busy} 0 0 {idle} 0 0 0 0 0 0\n"
        files[f"sys/devices/system/cpu/cpu{cpu}/cpu_capacity"] = "1024\n" if cpu >= 4 else "414\n"
    policies = {0: ("0 1 2 3", little_mhz, 1800), 4: ("4 5", big_mhz, big_limit_mhz), 6: ("6 7", 408, big_limit_mhz)}
    for first, (cpus, mhz, limit) in policies.items():
        folder = f"sys/devices/system/cpu/cpufreq/policy{first}"
        files |= {
            f"{folder}/related_cpus": f"{cpus}\n",
            f"{folder}/scaling_cur_freq": f"{mhz * 1000}\n",
            f"{folder}/scaling_max_freq": f"{limit * 1000}\n",
        }
    files["sys/devices/system/cpu/online"] = "0-7\n"
    return files
