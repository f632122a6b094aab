# Ten gigabytes of log, as fast as they are taken, or for as long as it may.
import time

block = b"all work and no play makes a log a full disk\n" * 1500
end = time.time() + settings["seconds"]
written = 0
while written < 10 * 1024**3 and time.time() < end:
    written += os.write(1, block)
print(f"\nprinted {written} bytes", flush=True)
finish()
