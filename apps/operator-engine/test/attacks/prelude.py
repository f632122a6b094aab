# Stands before every attack of this folder: one line of JSON at the end says what was tried, and what it got.
import json
import os
import sys

_tries = []
settings = json.loads(os.environ.get("ATTACK", "{}"))


def attempt(what, action):
    """Whatever `action` returns is what the attack got; None, False and an error are nothing."""
    try:
        got = action()
    except BaseException as error:
        _tries.append({"what": what, "got": None, "why": f"{type(error).__name__}: {error}"[:160]})
        return None
    nothing = got is None or got is False
    _tries.append({"what": what, "got": None if nothing else str(got)[:160]})
    return None if nothing else got


def finish(code=0):
    print("\nATTACK " + json.dumps({"tries": _tries}), flush=True)
    os._exit(code)
