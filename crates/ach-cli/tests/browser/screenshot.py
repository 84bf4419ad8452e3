"""Packs real data, shows it, and takes the picture: screenshot.py FOLDER PICTURE."""

import shutil
import sys
import time
from pathlib import Path

import chromium
import numpy
import served
import skimage
import sklearn.datasets
from PIL import Image

SIZE = (1280, 800)


def archive(folder):
    """An archive of pictures, measurements, and the history of a training."""
    pictures = ["hubble_deep_field", "retina", "cell", "moon"]
    for name in pictures:
        numpy.save(folder / f"{name}.npy", getattr(skimage.data, name)())
    digits = sklearn.datasets.load_digits()
    numpy.save(folder / "digits.npy", digits.images)
    numpy.save(folder / "labels.npy", digits.target)
    for name in ["iris", "wine", "breast_cancer"]:
        table = getattr(sklearn.datasets, f"load_{name}")
        columns = table().feature_names
        rows = [",".join(f"{number:g}" for number in row) for row in table().data]
        (folder / f"{name}.csv").write_text("\n".join([",".join(columns), *rows]) + "\n")
    for name in ["penguins.csv", "run.json", "digits-mlp.safetensors"]:
        shutil.copy(served.DATA / name, folder / name)
    inputs = [f"pictures/{name}={name}.npy" for name in pictures]
    inputs += ["digits/images=digits.npy", "digits/labels=labels.npy"]
    inputs += [f"tables/{name}={name}.csv" for name in ["iris", "wine", "breast_cancer", "penguins"]]
    inputs += ["training=run.json", "model=digits-mlp.safetensors"]
    attributes = ["title=Hubble eXtreme Deep Field, 2012", "credit=NASA, ESA; public domain"]
    marks = [part for text in attributes for part in ("--attr", f"pictures/hubble_deep_field:{text}")]
    served.ach("pack", "-o", "gallery.ach", *inputs, "--cold", "pictures/*", *marks, folder=folder)
    return folder / "gallery.ach"


def main(folder, picture):
    server = served.Served(archive(folder))
    browser = chromium.Browser(*SIZE)
    browser.driver.get(server.url + "#v=pictures%2Fhubble_deep_field")
    browser.settle("return document.querySelector('.note')?.textContent")
    for group in ["digits/", "tables/"]:
        browser.driver.execute_script(
            "[...document.querySelectorAll('.row.group')].find((row) => row.textContent.includes(arguments[0]))?.click()",
            group,
        )
        time.sleep(0.5)
    browser.driver.execute_script("document.activeElement.blur()")
    browser.driver.save_screenshot(str(picture))
    assert browser.logged() == []
    browser.close()
    server.stop()
    # A photograph as PNG is large: fewer colours do.
    Image.open(picture).convert("RGB").quantize(200, dither=Image.Dither.NONE).save(picture, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
