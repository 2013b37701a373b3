# Inert: what guarddog must take for bad, or it does not work on this machine. The encoded text is `pass`.
from setuptools import setup
import base64, os, urllib.request

exec(base64.b64decode("cGFzcw=="))
open("decoy.txt", "wb").write(urllib.request.urlopen("https://files.example/decoy.txt").read())
os.system("echo decoy")
setup(name="decoy", version="1.0")
