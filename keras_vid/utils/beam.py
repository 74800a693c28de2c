"""One function over many tasks on Apache Beam."""

from keras_vid.utils.optional import need


def on_beam(function, tasks, runner, workers=None):
    """Call a function of each task on Apache Beam. All files that it names must be visible to all machines.

    Args:
        runner: Such as "DirectRunner" (processes on this machine) or "DataflowRunner".
        workers: Processes of the DirectRunner.
    """
    beam = need("apache_beam", extra="beam")
    from apache_beam.options.pipeline_options import PipelineOptions

    options = {"runner": runner, "save_main_session": False}
    if runner == "DirectRunner":
        options |= {"direct_num_workers": workers or 1, "direct_running_mode": "multi_processing"}
    with beam.Pipeline(options=PipelineOptions.from_dictionary(options)) as pipeline:
        _ = pipeline | beam.Create(tasks) | beam.Reshuffle() | beam.Map(function)
