"""The board's flow by python3 and pyserial: one process, one subprocess a call, CRC and hex in C.

    peer.py TOOL TERMINAL COUNT

Prints the fingerprint of each unit; a failure is reported and ends the run.
"""
import binascii
import os
import struct
import subprocess
import sys

import serial


def frame(payload):
    covered = struct.pack(">H", len(payload)) + payload
    return covered + struct.pack(">H", binascii.crc_hqx(covered, 0xFFFF))


def read_exactly(port, n):
    data = port.read(n)
    if len(data) != n:
        raise OSError("the device did not answer in time")
    return data


def read_frame(port):
    head = read_exactly(port, 2)
    (length,) = struct.unpack(">H", head)
    rest = read_exactly(port, length + 2)
    if binascii.crc_hqx(head + rest[:-2], 0xFFFF) != struct.unpack(">H", rest[-2:])[0]:
        raise OSError("the device's answer is damaged")
    return rest[:-2]


def call(tool, *arguments):
    done = subprocess.run([tool, *arguments], capture_output=True, check=True, text=True, timeout=60)
    return dict(line.split(None, 1) for line in done.stdout.splitlines())


def provision(tool, port, session):
    try:
        init = call(tool, "new_device", session)
        port.write(frame(bytes.fromhex(init["PAYLOAD"])))
        key = read_frame(port)
        config = call(tool, "get_device_configuration", session, key.hex())
        port.write(frame(bytes.fromhex(config["PAYLOAD"])))
        done = read_frame(port)
        return call(tool, "handle_device_response", session, done.hex())["FINGERPRINT"]
    except Exception as error:
        call(tool, "report_error", session, "1", str(error))
        raise


def main():
    tool, terminal, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    for _ in range(count):
        with serial.Serial(terminal, 115200, timeout=5) as port:
            print(provision(tool, port, os.urandom(10).hex()))


main()
