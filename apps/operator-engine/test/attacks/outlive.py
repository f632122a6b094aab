# Ignores the polite end, leaves its session, and keeps a grandchild that does the same.
import signal
import time

for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
    if os.fork() > 0:
        os._exit(0)
print("will not end", flush=True)
while True:
    time.sleep(0.2)
