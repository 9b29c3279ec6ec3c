#!/usr/bin/env python3
"""A reader, a subscription and a comment, from Python (3.8 or later, nothing to install):

    HEARBACK_URL=http://127.0.0.1:8025 HEARBACK_KEY=hb_… python3 python.py
"""
import json
import os
import time
import urllib.error
import urllib.request
import uuid
from datetime import datetime, timezone
from urllib.parse import quote


class HearbackError(Exception):
    """A call that was refused: code, field and mend say why, where and what to do."""

    def __init__(self, problem):
        self.status, self.code = problem.get("status"), problem.get("code")
        self.field, self.mend = problem.get("field", ""), problem.get("mend", "")
        super().__init__(f"{self.field or 'the call'}: {problem.get('detail')} ({self.mend})")


def hearback(method, path, body=None):
    """Makes a call. It is tried again after a lost connection, 429, 502, 503 and 504; the Idempotency-Key makes that harmless."""
    call = urllib.request.Request(os.environ["HEARBACK_URL"] + path, method=method, data=None if body is None else json.dumps(body).encode())
    call.add_header("Authorization", "Bearer " + os.environ["HEARBACK_KEY"])
    call.add_header("Content-Type", "application/json")
    call.add_header("Idempotency-Key", str(uuid.uuid4()))
    for attempt in range(1, 5):
        wait = 0.2 * 2**attempt
        try:
            with urllib.request.urlopen(call, timeout=30) as answer:
                text = answer.read()
                return json.loads(text) if text else None
        except urllib.error.HTTPError as refusal:
            text = refusal.read()
            if refusal.headers.get("Content-Type") == "application/problem+json":
                failure = HearbackError(json.loads(text))
            else:
                failure = HearbackError({"status": refusal.code, "detail": text.decode(errors="replace"), "mend": "look at the proxy before Hearback"})
            if refusal.code not in (429, 502, 503, 504):
                raise failure from None
            wait = max(wait, float(refusal.headers.get("Retry-After", 0)))
        except (urllib.error.URLError, TimeoutError, ConnectionError) as lost:
            failure = lost
        if attempt == 4:
            raise failure
        time.sleep(wait)


# Who they are. "confirmed" says that the site knows the address to be theirs; without it they are asked by mail first.
hearback("PUT", "/v1/subscribers/" + quote("u-1", safe=""), {"email": "ann@example.org", "name": "Ann", "author_ids": ["u-1"], "confirmed": True})

# What they want to hear of.
hearback("POST", "/v1/subscriptions", {"subscriber": "u-1", "target": {"type": "thread", "id": "post-7"}})

# What happened. The id names the event: sending it again changes nothing.
receipt = hearback("POST", "/v1/events", {
    "id": "c-1-published",
    "type": "comment.published",
    "time": datetime.now(timezone.utc).isoformat(),
    "thread": {"id": "post-7", "url": "https://blog.example.org/7", "title": "On clocks"},
    "comment": {"id": "c-1", "html": "<p>Who winds them, with Python?</p>"},
    "author": {"id": "u-2", "name": "Patrick"},
})
print(json.dumps(receipt))
