# Forks until it is refused; its children sleep.
import time

count = 0
try:
    while count < settings["processes"]:
        if os.fork() == 0:
            time.sleep(120)
            os._exit(0)
        count += 1
except OSError as error:
    print(f"refused after {count}: {error}", flush=True)
attempt("start as many processes as it likes", lambda: count if count >= settings["processes"] else None)
finish(3)
