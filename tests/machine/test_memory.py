"""The memory that is free on this host, and in its container."""

from job.machine.memory import free_host_bytes


def test_the_containers_memory_limit_counts(tmp_path):
    """Free memory is the smaller of the machine's and the cgroup's."""
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/meminfo").write_text("MemTotal: 4000 kB\nMemAvailable: 3000 kB\n")
    assert free_host_bytes(tmp_path) == 3000 * 1024
    (tmp_path / "sys/fs/cgroup").mkdir(parents=True)
    (tmp_path / "sys/fs/cgroup/memory.max").write_text("1000000\n")
    (tmp_path / "sys/fs/cgroup/memory.current").write_text("400000\n")
    assert free_host_bytes(tmp_path) == 600000
    (tmp_path / "sys/fs/cgroup/memory").mkdir()
    (tmp_path / "sys/fs/cgroup/memory/memory.limit_in_bytes").write_text("700000\n")
    (tmp_path / "sys/fs/cgroup/memory/memory.usage_in_bytes").write_text("300000\n")
    assert free_host_bytes(tmp_path) == 400000
    (tmp_path / "sys/fs/cgroup/memory/memory.limit_in_bytes").write_text(f"{2**63 - 4096}\n")
    assert free_host_bytes(tmp_path) == 600000
    (tmp_path / "sys/fs/cgroup/memory.max").write_text("max\n")
    assert free_host_bytes(tmp_path) == 3000 * 1024


def test_page_cache_counts_as_free(tmp_path):
    """A container that has read much has not less for a training, in either version of groups."""
    for folder, limit, used, prefix in (
        ("v2/sys/fs/cgroup", "memory.max", "memory.current", ""),
        ("v1/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_"),
    ):
        group = tmp_path / folder
        group.mkdir(parents=True)
        (group / limit).write_text("1000000\n")
        (group / used).write_text("990000\n")
        cache = f"{prefix}inactive_file 600000\n{prefix}active_file 100000\n"
        (group / "memory.stat").write_text(f"{prefix}anon 290000\n{cache}")
        assert free_host_bytes(tmp_path / folder[:2]) == 710000


def test_every_group_around_this_process_counts(tmp_path):
    """On a host the limit is that of the service or of any slice that it lies in."""
    group = tmp_path / "sys/fs/cgroup/batch.slice/job.service"
    group.mkdir(parents=True)
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text("0::/batch.slice/job.service\n")
    for folder, limit in ((group, "max"), (group.parent, "5000")):
        (folder / "memory.max").write_text(limit)
        (folder / "memory.current").write_text("1000")
    assert free_host_bytes(tmp_path) == 4000


def test_a_system_that_tells_no_memory_is_asked_otherwise(tmp_path):
    """A sandbox without /proc/meminfo, or an old one without MemAvailable, is no reason to end."""
    assert free_host_bytes(tmp_path) > 0
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/meminfo").write_text("MemTotal: 9 kB\nMemFree: 3 kB\nCached: 4 kB\n")
    assert free_host_bytes(tmp_path) == 7 * 1024
