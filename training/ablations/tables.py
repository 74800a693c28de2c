"""The ablation tables of the four papers by name."""

from keras_vid.training.ablations.s3d import S3D_TABLES
from keras_vid.training.ablations.segments import SEGMENT_TABLES

TABLES = S3D_TABLES | SEGMENT_TABLES
