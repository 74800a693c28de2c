"""
Export, and ask what was exported
=================================

A SavedModel with folded BatchNorm, labels and preprocessing inside. Each export is compared with the network before it
is kept; TF Serving loads the folder as it is.
"""

import tempfile

import numpy as np
from keras_vid.saved_models.export import export
from keras_vid.saved_models.predictor import open_predictor
from matplotlib import pyplot as plt
from small_network import clips_of, small_network

classes = ("walking_right", "walking_left")
model = small_network(classes=classes)
path = export(model, tempfile.mkdtemp() + "/walking")
print(sorted(file.name for file in path.iterdir()))
predictor = open_predictor(path, engine="tensorflow")
clips, _ = clips_of(classes, 10, seed=1)
print(predictor.label(clips[0], top=2))

# %%
# The logits of the network and of its export.

ours, theirs = model.predict(clips, verbose=0), predictor.logits(clips)
figure, axis = plt.subplots(figsize=(3.6, 3.4))
axis.scatter(ours, theirs, s=12)
axis.set(xlabel="logits of the network", ylabel="logits of the export")
axis.set_title(f"largest difference {np.abs(ours - theirs).max():.1e}", fontsize=9)
figure.tight_layout()
