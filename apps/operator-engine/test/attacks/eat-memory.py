# Takes memory until it is killed.
import time

blocks = []
while len(blocks) * 8 < settings["megabytes"]:
    blocks.append(bytearray(os.urandom(4096) * 2048))
attempt("take as much memory as it likes", lambda: f"{len(blocks) * 8} MB")
finish()
