"""What goes over a run's sockets, written down a second time: protobuf, the digest of a header frame, and ZeroMQ over ctypes.

It shares no code with the program, so that a mistake in the one does not hide in the other. proto/README.md is the contract.
"""

import ctypes
import ctypes.util
import struct

ROUTER, DEALER = 6, 5
POLLIN = 1
LINGER, ROUTING_ID, SNDHWM, RCVHWM, MANDATORY, HANDOVER, LAST_ENDPOINT, IMMEDIATE = 17, 5, 23, 24, 33, 56, 32, 39
DONTWAIT, SNDMORE = 1, 2


def library(name):
    found = ctypes.util.find_library(name)
    if not found:
        raise SystemExit(f"error: lib{name} is not installed\nhint: run scripts/test once, which installs what is missing")
    return ctypes.CDLL(found)


zmq, xxhash = library("zmq"), library("xxhash")
xxhash.XXH3_64bits.restype = ctypes.c_uint64
xxhash.XXH3_64bits.argtypes = [ctypes.c_char_p, ctypes.c_size_t]
for call in ("zmq_ctx_new", "zmq_socket"):
    getattr(zmq, call).restype = ctypes.c_void_p
zmq.zmq_socket.argtypes = [ctypes.c_void_p, ctypes.c_int]
zmq.zmq_send.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int]
zmq.zmq_setsockopt.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t]
zmq.zmq_getsockopt.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]
zmq.zmq_bind.argtypes = zmq.zmq_connect.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
zmq.zmq_close.argtypes = [ctypes.c_void_p]
for call in ("zmq_msg_init", "zmq_msg_close", "zmq_msg_more"):
    getattr(zmq, call).argtypes = [ctypes.c_void_p]
zmq.zmq_msg_recv.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int]
zmq.zmq_msg_data.argtypes, zmq.zmq_msg_data.restype = [ctypes.c_void_p], ctypes.c_void_p
zmq.zmq_msg_size.argtypes, zmq.zmq_msg_size.restype = [ctypes.c_void_p], ctypes.c_size_t
zmq.zmq_poll.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_long]
context = zmq.zmq_ctx_new()


class PollItem(ctypes.Structure):
    _fields_ = [("socket", ctypes.c_void_p), ("fd", ctypes.c_int), ("events", ctypes.c_short), ("revents", ctypes.c_short)]


def poll(sockets, milliseconds):
    items = (PollItem * len(sockets))(*(PollItem(socket.handle, 0, POLLIN, 0) for socket in sockets))
    zmq.zmq_poll(items, len(sockets), milliseconds)


class Socket:
    def __init__(self, kind, identity=None, queue=1000):
        self.handle = zmq.zmq_socket(context, kind)
        self.set(LINGER, 0)
        self.set(SNDHWM, queue)
        self.set(RCVHWM, queue)
        if kind == ROUTER:
            self.set(HANDOVER, 1)
        if identity:
            zmq.zmq_setsockopt(self.handle, ROUTING_ID, identity, len(identity))

    def set(self, option, value):
        number = ctypes.c_int(value)
        zmq.zmq_setsockopt(self.handle, option, ctypes.byref(number), 4)

    def bind(self):
        zmq.zmq_bind(self.handle, b"tcp://127.0.0.1:*")
        text, size = ctypes.create_string_buffer(256), ctypes.c_size_t(256)
        zmq.zmq_getsockopt(self.handle, LAST_ENDPOINT, text, ctypes.byref(size))
        return text.value.decode()

    def connect(self, address):
        zmq.zmq_connect(self.handle, address.encode())
        return self

    def send(self, frames):
        """Queues a message; false where there is no room."""
        for index, frame in enumerate(frames):
            flags = DONTWAIT | (SNDMORE if index + 1 < len(frames) else 0)
            if zmq.zmq_send(self.handle, frame, len(frame), flags) < 0:
                return False
        return True

    def receive(self):
        """The frames of the next message; None where none is there."""
        frames, more = [], True
        while more:
            message = ctypes.create_string_buffer(64)
            zmq.zmq_msg_init(message)
            if zmq.zmq_msg_recv(message, self.handle, DONTWAIT) < 0:
                zmq.zmq_msg_close(message)
                return frames or None
            frames.append(ctypes.string_at(zmq.zmq_msg_data(message), zmq.zmq_msg_size(message)))
            more = zmq.zmq_msg_more(message)
            zmq.zmq_msg_close(message)
        return frames

    def close(self):
        zmq.zmq_close(self.handle)


# Protobuf

def varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def number(field, value):
    return varint(field << 3) + varint(value)


def fixed(field, value):
    return varint(field << 3 | 1) + struct.pack("<Q", value)


def double(field, value):
    return varint(field << 3 | 1) + struct.pack("<d", value)


def data(field, content):
    content = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    return varint(field << 3 | 2) + varint(len(content)) + content


def fields(bytes_):
    """The fields of a message as (number, value) in order; bytes for what has a length."""
    found, at = [], 0

    def read():
        nonlocal at
        value = shift = 0
        while True:
            byte = bytes_[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(bytes_):
        tag = read()
        if tag & 7 == 0:
            value = read()
        elif tag & 7 == 1:
            value, at = struct.unpack_from("<Q", bytes_, at)[0], at + 8
        else:
            size = read()
            value, at = bytes_[at:at + size], at + size
        found.append((tag >> 3, value))
    return found


def digest(content):
    return xxhash.XXH3_64bits(content, len(content)) if content else 0


SEAL = 10


def sealed(frame):
    """A header frame with the field `digest` behind it."""
    return frame + b"\xa1\x06" + struct.pack("<Q", digest(frame))


def identity(incarnation):
    return b"w" + struct.pack("<Q", incarnation)


def header(run_id, epoch, worker, incarnation, body, version=2, tensors=()):
    """A header frame; `body` is the field of the message, `tensors` their descriptions."""
    return sealed(
        number(1, version) + data(2, run_id) + number(3, epoch) + data(4, worker) + fixed(5, incarnation)
        + b"".join(data(6, tensor) for tensor in tensors) + body)


def tensor(name, kind, shape, content=None):
    packed = b"".join(map(varint, shape))
    return data(1, name) + number(2, kind) + data(3, packed) + (fixed(4, digest(content)) if content is not None else b"")
