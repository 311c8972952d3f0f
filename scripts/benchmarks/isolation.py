"""A place for measurements: a network namespace of their own, one core for the server and one for the client, enough descriptors."""
import fcntl
import os
import pathlib
import resource
import socket
import struct
import subprocess
import sys

MARK = "SELVAGE_BENCH_NAMESPACE"
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1
CONGESTION = pathlib.Path("/proc/sys/net/ipv4/tcp_congestion_control")


def enter_namespace():
    """Starts this program again in a network namespace with cubic; returns there, and says what could not be had.

    Where the system's default is BBR, its pacing distorts figures taken over the loopback.
    """
    if MARK not in os.environ:
        if subprocess.run(["unshare", "--net", "true"], capture_output=True).returncode == 0:
            os.environ[MARK] = "1"
            os.execvp("unshare", ["unshare", "--net", "--", sys.executable, *sys.argv])
        return [f"no network namespace of its own (that needs root): the system's congestion control, {congestion_control()}, was in use"]
    del os.environ[MARK]
    loopback_up()
    choose_congestion_control("cubic")
    return [] if congestion_control() == "cubic" else [f"cubic could not be chosen: {congestion_control()} was in use"]


def choose_congestion_control(name):
    """As the default of the namespace, or, where the kernel does not allow that (tcp_allowed_congestion_control), as a property of
    the routes of the loopback."""
    try:
        CONGESTION.write_text(name)
    except OSError:
        for target in ("127.0.0.0/8", "127.0.0.1"):
            subprocess.run(["ip", "route", "replace", "local", target, "dev", "lo", "proto", "kernel", "scope", "host", "src", "127.0.0.1",
                            "table", "local", "congctl", name], capture_output=True)


def congestion_control():
    """What a connection over the loopback really has."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client, server.accept()[0] as accepted:
        names = {end.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16).rstrip(b"\0").decode() for end in (client, accepted)}
    return " and ".join(sorted(names))


def loopback_up():
    with socket.socket() as any_socket:
        request = bytearray(struct.pack("16sH22x", b"lo", 0))
        fcntl.ioctl(any_socket, SIOCGIFFLAGS, request)
        flags, = struct.unpack_from("H", request, 16)
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH22x", b"lo", flags | IFF_UP))


def raise_descriptor_limit():
    """The limit that the servers and clients inherit."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def cores():
    """(cores of a server with n workers, core of the client): the client has the last core for itself when there are enough."""
    available = sorted(os.sched_getaffinity(0))
    return (lambda workers: available[:workers]), available[-1]


def stay_on(core):
    """This program and the clients that it starts. The program itself goes before them (when it may): it has little to do, but reads
    the clocks at the moment when a client says so."""
    os.sched_setaffinity(0, {core})
    try:
        os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(1))
    except PermissionError:
        pass
