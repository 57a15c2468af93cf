"""Many boards at once by asyncio and pyserial: one task each, one process, CRC and hex in C.

    gang.py TOOL LINK COUNT SPREAD

Prints what floor.c does with as many arguments. pyserial opens the ports; asyncio's epoll tells when one
is readable, since pyserial's own reads wait by select(), which ends at descriptor 1024: with five
descriptors a port that is about 200 ports. Children are watched by pidfd; older Pythons take a thread for each by default.
"""
import asyncio
import binascii
import os
import resource
import struct
import sys
import time

import serial


def frame(payload):
    covered = struct.pack(">H", len(payload)) + payload
    return covered + struct.pack(">H", binascii.crc_hqx(covered, 0xFFFF))


def check(whole):
    if binascii.crc_hqx(whole[:-2], 0xFFFF) != struct.unpack(">H", whole[-2:])[0]:
        raise OSError("the device's answer is damaged")
    return whole[2:-2]


class Port:
    def __init__(self, terminal):
        self.serial = serial.Serial(terminal, 115200, timeout=0, write_timeout=0)
        self.fd = self.serial.fileno()
        self.loop = asyncio.get_running_loop()
        self.heard, self.answer, self.left = b"", None, b""
        self.loop.add_reader(self.fd, self.hear)

    def hear(self):
        self.heard += os.read(self.fd, 4096)
        if len(self.heard) >= 2:
            size = struct.unpack(">H", self.heard[:2])[0] + 4
            if len(self.heard) >= size:
                whole, self.heard = self.heard[:size], self.heard[size:]
                self.answer.set_result(whole)

    def send(self):
        try:
            self.left = self.left[os.write(self.fd, self.left):]
        except BlockingIOError:
            pass
        if self.left:
            self.loop.add_writer(self.fd, self.send)
        else:
            self.loop.remove_writer(self.fd)

    async def exchange(self, payload):
        self.answer = self.loop.create_future()
        self.left = frame(payload)
        self.send()
        whole = await asyncio.wait_for(self.answer, 5)
        return check(whole), time.monotonic_ns()

    def close(self):
        self.loop.remove_reader(self.fd)
        self.serial.close()


async def call(tool, *arguments):
    child = await asyncio.create_subprocess_exec(tool, *arguments, stdout=asyncio.subprocess.PIPE)
    printed, _ = await asyncio.wait_for(child.communicate(), 60)
    if child.returncode != 0:
        raise OSError("the tool failed")
    return dict(line.split(None, 1) for line in printed.decode().splitlines())


async def provision(tool, port, session):
    try:
        init = await call(tool, "new_device", session)
        key, first = await port.exchange(bytes.fromhex(init["PAYLOAD"]))
        config = await call(tool, "get_device_configuration", session, key.hex())
        done, second = await port.exchange(bytes.fromhex(config["PAYLOAD"]))
        last = await call(tool, "handle_device_response", session, done.hex())
        return "%s %d %d" % (last["FINGERPRINT"], first, second)
    except Exception as error:
        await call(tool, "report_error", session, "1", str(error))
        raise


async def run(tool, terminal, delay):
    await asyncio.sleep(delay)
    port = Port(terminal)
    try:
        return await provision(tool, port, os.urandom(10).hex())
    finally:
        port.close()


async def main():
    tool, link, count, spread = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]) / 1000
    watch_children()
    begun = time.monotonic_ns()
    units = (run(tool, "%s.%d" % (link, i + 1), i * spread / count) for i in range(count))
    for i, line in enumerate(await asyncio.gather(*units)):
        print(i + 1, line)
    print("total", time.monotonic_ns() - begun)


def watch_children():
    if sys.version_info < (3, 12):  # later ones do so by themselves
        watcher = asyncio.PidfdChildWatcher()
        watcher.attach_loop(asyncio.get_running_loop())
        asyncio.get_event_loop_policy().set_child_watcher(watcher)


_, most = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
asyncio.run(main())
