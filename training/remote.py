"""Paths on other machines: s3://, hdfs:// and az:// through tensorflow-io, gs:// through TensorFlow itself."""

NEEDS_IO = ("s3", "hdfs", "viewfs", "har", "az", "abfs")


def enable(path):
    """Make TensorFlow read and write a path; answers it as text. Local and gs:// paths need nothing.

    >>> enable("/data/prepared")
    '/data/prepared'
    """
    path = str(path)
    scheme = path.partition("://")[0] if "://" in path else ""
    if scheme in NEEDS_IO:
        from keras_vid.extras import need

        need("tensorflow_io", extra="io")  # importing it registers the file systems
    return path
