"""A gRPC client of another implementation (Debian's python3-grpcio), told what to do by lines of JSON.

Bodies are base64 of whole messages: what is in them is made and read by the test. Each answer has the id of its question.
"""
import base64
import json
import queue
import sys
import threading
import time

import grpc

channels, streams = {}, {}
write_lock = threading.Lock()


def plain(value):
    return value


def metadata_of(pairs):
    return [(key, base64.b64decode(value) if key.endswith("-bin") else value) for key, value in pairs or []]


def status_of(call):
    trailers = {key: value for key, value in call.trailing_metadata() or () if isinstance(value, str)}
    return {"code": call.code().name, "details": call.details(), "trailers": trailers}


def b64(body):
    return base64.b64encode(body).decode()


def channel(ask):
    pem = [None if ask.get(name) is None else ask[name].encode() for name in ("ca", "key", "certificate")]
    options = [("grpc.max_send_message_length", -1), ("grpc.use_local_subchannel_pool", 1)]
    credentials = grpc.ssl_channel_credentials(*pem)
    channels[ask["channel"]] = grpc.secure_channel("localhost:%d" % ask["port"], credentials, options=options)
    return {}


def close(ask):
    channels.pop(ask["channel"]).close()
    return {}


def unary(ask):
    method = channels[ask["channel"]].unary_unary(ask["path"], request_serializer=plain, response_deserializer=plain)
    body = base64.b64decode(ask["body"]) * ask.get("times", 1)
    try:
        answer, call = method.with_call(body, timeout=ask.get("timeout_s", 10), metadata=metadata_of(ask.get("metadata")))
        return {"body": b64(answer), **status_of(call)}
    except grpc.RpcError as error:
        return {"body": None, **status_of(error)}


def opened(ask):
    outgoing, incoming = queue.Queue(), queue.Queue()
    method = channels[ask["channel"]].stream_stream(ask["path"], request_serializer=plain, response_deserializer=plain)
    call = method(iter(outgoing.get, None), timeout=ask.get("timeout_s"))

    def read():
        try:
            for body in call:
                incoming.put(b64(body))
        except grpc.RpcError:
            pass
        incoming.put(None)

    threading.Thread(target=read, daemon=True).start()
    streams[ask["stream"]] = (call, outgoing, incoming)
    return {}


def send(ask):
    for body in ask["bodies"]:
        streams[ask["stream"]][1].put(base64.b64decode(body))
    if ask.get("last"):
        streams[ask["stream"]][1].put(None)
    return {}


def receive(ask):
    """So many messages, or those until the end with its status."""
    call, _, incoming = streams[ask["stream"]]
    bodies, until = [], time.monotonic() + ask.get("timeout_s", 10)
    while ask.get("count") is None or len(bodies) < ask["count"]:
        body = incoming.get(timeout=max(0.01, until - time.monotonic()))
        if body is None:
            return {"bodies": bodies, **status_of(call)}
        bodies.append(body)
    return {"bodies": bodies}


def flood(ask):
    """The same message for ever, without reading an answer; how many went out in that time, and how it ended."""
    sent = [0]
    body = base64.b64decode(ask["body"])
    until = time.monotonic() + ask["for_s"]

    def endless():
        while time.monotonic() < until:
            sent[0] += 1
            yield body

    method = channels[ask["channel"]].stream_stream(ask["path"], request_serializer=plain, response_deserializer=plain)
    call = method(endless())
    time.sleep(ask["for_s"])
    stuck = sent[0]
    call.cancel()
    return {"sent": stuck}


ASKS = {f.__name__: f for f in (channel, close, unary, opened, send, receive, flood)}


def answer(ask):
    try:
        told = {"ok": ASKS[ask["ask"]](ask)}
    except Exception as error:
        told = {"error": "%s: %s" % (type(error).__name__, error)}
    with write_lock:
        sys.stdout.write(json.dumps({"id": ask["id"], **told}) + "\n")
        sys.stdout.flush()


for line in sys.stdin:
    threading.Thread(target=answer, args=(json.loads(line),), daemon=True).start()
