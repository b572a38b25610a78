"""Positions of the fields and values of the enums of TFLite's standard metadata, as far as a detector needs them.

Source: tensorflow_lite_support/metadata/metadata_schema.fbs of github.com/tensorflow/tflite-support; all are of version
1.0.0. Generated code for it comes only with MediaPipe, which is far too much to depend on for this.
"""

import enum

METADATA_NAME = b"TFLITE_METADATA"
"""Of the model's metadata entry whose buffer is the record."""
IDENTIFIER = b"M001"
PARSER_VERSION = "1.0.0"


class ModelField(enum.IntEnum):
    NAME = 0
    SUBGRAPHS = 3
    MIN_PARSER_VERSION = 7


class SubgraphField(enum.IntEnum):
    INPUTS = 2
    OUTPUTS = 3
    FILES = 4
    CUSTOM = 9


class CustomField(enum.IntEnum):
    NAME = 0
    DATA = 1


class TensorField(enum.IntEnum):
    NAME = 0
    DESCRIPTION = 1
    CONTENT = 3
    PROCESS_UNITS = 4
    FILES = 6


class ContentField(enum.IntEnum):
    PROPERTIES_TYPE = 0
    PROPERTIES = 1
    RANGE = 2


class ContentType(enum.IntEnum):
    FEATURE = 1
    IMAGE = 2
    BOUNDING_BOX = 3


class RangeField(enum.IntEnum):
    MIN = 0
    MAX = 1


class ImageField(enum.IntEnum):
    COLOUR_SPACE = 0
    DEFAULT_SIZE = 1


class SizeField(enum.IntEnum):
    WIDTH = 0
    HEIGHT = 1


class ColourSpace(enum.IntEnum):
    UNKNOWN = 0
    RGB = 1


class BoundingBoxField(enum.IntEnum):
    INDEX = 0
    TYPE = 1
    COORDINATE_TYPE = 2


class BoundingBoxType(enum.IntEnum):
    BOUNDARIES = 1


class CoordinateType(enum.IntEnum):
    RATIO = 0


class UnitField(enum.IntEnum):
    OPTIONS_TYPE = 0
    OPTIONS = 1


class UnitType(enum.IntEnum):
    NORMALIZATION = 1


class NormalizationField(enum.IntEnum):
    MEAN = 0
    STD = 1


class FileField(enum.IntEnum):
    NAME = 0
    DESCRIPTION = 1
    TYPE = 2


class FileType(enum.IntEnum):
    AXIS_LABELS = 2
    VALUE_LABELS = 3
