"""What is known of the default face encoder before it is loaded."""

from __future__ import annotations

from postern.biometrics.model import ModelCard

CHIP = 150
"""Side of the aligned chip that the network takes, in pixels."""

LENGTH = 128
"""Numbers in a vector."""

CARD = ModelCard(
    id="dlib-resnet-v1",
    input_size=CHIP,
    alignment="five landmarks (dlib), similarity transform, 25 % padding",
    normalisation="RGB minus (122.782, 117.001, 104.298), over 256",
    length=LENGTH,
    farthest=1.0,
    threshold=0.48,
    verification_threshold=0.42,
    margin=0.05,
    licence="public domain (CC0), Davis King",
)
"""The score is 1 - distance. The network's author verifies pairs at a distance of 0.6 (99.38 % on LFW). A
template here is the mean of a chip's and its mirror image's vectors, which draws all distances a little
together: over the five people at hand the same person's lie up to 0.53 and different people's from 0.66 on.
Hence 0.58 for pairs, and 0.52 among many, where every enrolled person is one more chance of a false match."""
