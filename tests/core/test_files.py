"""What is kept of files, and when it is read again."""

import os

from keras_vid.utils.files import once_a_file


def test_a_file_is_read_again_once_it_has_changed(tmp_path):
    path, reads = tmp_path / "a.txt", []
    read = once_a_file(maxsize=4)(lambda source: reads.append(source) or path.read_text())
    for second, text in enumerate(("one", "two")):  # as long as before: its time of change alone tells
        path.write_text(text)
        os.utime(path, (second, second))
        assert read(path) == text == read(str(path))
    assert len(reads) == 2
