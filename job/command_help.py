"""The help of the commands that have one of their own and stand in no file of their own."""

from job.settings import (
    About,
    ConvertSettings,
    EvaluateSettings,
    PredictSettings,
    Settings,
    reworded,
)

OF_THE_MODEL = (
    "output of a finished run, or the model/ in it, or a folder of any Hugging Face token "
    "classifier: path or URL"
)


def about_check() -> About:
    """The help of `check`."""
    return About(
        usage="check [flags]",
        text="Tries everything that a run needs, without training: corpus, model, device, output. "
        "It takes the arguments of the run, and ends with the code that the run would.",
        example="{program} check --downstream_corpus_name=sample",
        fields=Settings.model_fields,
    )


def about_convert() -> About:
    """The help of `convert`."""
    return About(
        usage="convert IN OUT [flags]",
        text="Writes a corpus in another shape, for this job or for another tool. The ending of "
        "OUT says which, or --to; a corpus of several splits needs a folder as OUT.",
        operands=(
            (
                "IN",
                "path or URL of the corpus: a file, a folder or an archive of any format that "
                "can be trained on",
            ),
            ("OUT", "path or URL of the result; - is standard output"),
        ),
        example="{program} convert export.json corpora/news/train.jsonl",
        fields=ConvertSettings.taken(),
    )


def about_evaluate() -> About:
    """The help of `evaluate`."""
    said = {
        "downstream_model_dir": [OF_THE_MODEL],
        "accelerator": ["what to compute on"],
        "max_seq_length": ["wordpieces in a window", "as in training"],
        "window_stride": ["wordpieces that two windows share; with MAX_SEQ_LENGTH"],
        "types_map": [
            "the model's names for the entity types of FILES: PS_*=PER,*=- (- drops a type)",
            "as they are read",
        ],
        "types_only": ["the types to score, by the model's names; others are left out", "all"],
    }
    fields = EvaluateSettings.taken()
    return About(
        usage="evaluate FILES [flags]",
        text="Scores the model in DOWNSTREAM_MODEL_DIR on labelled files. Prints F1 by type, and "
        "writes report/ with the page, the wrong sentences, all predictions and all numbers.",
        operands=(
            (
                "FILES",
                "one path or URL or several: files, folders or archives of any format that can be "
                "trained on; of a folder with splits, val and test are scored",
            ),
        ),
        example="{program} evaluate news.jsonl --downstream_model_dir=output --types_map=PS=PER",
        fields={n: reworded(n, *said[n]) if n in said else f for n, f in fields.items()},
    )


def about_predict() -> About:
    """The help of `predict`."""
    return About(
        usage="predict IN OUT [flags]",
        text="Finds the entities in a text file of one sentence a line, with the model in "
        "DOWNSTREAM_MODEL_DIR. OUT gets a line for each line of IN, in order.",
        operands=(
            (
                "IN",
                "path or URL of a text file, of a file sentence␞tagged, or of JSON Lines with "
                '"text"; - is standard input',
            ),
            (
                "OUT",
                'path or URL of the result: JSON Lines with "text" and "spans" where the name ends '
                "in .jsonl, else sentence␞tagged, or what --to says; - is standard output",
            ),
        ),
        example="{program} predict sentences.txt tagged.jsonl --downstream_model_dir=output",
        fields={"to": PredictSettings.model_fields["to"]}
        | {
            name: reworded(name, *said)
            for name, said in {
                "downstream_model_dir": [OF_THE_MODEL],
                "accelerator": ["what to compute on"],
                "max_seq_length": ["wordpieces in a window", "as in training"],
                "window_stride": ["wordpieces that two windows share; with MAX_SEQ_LENGTH"],
                "cache_dir": ["local folder for the model, where it lies at a URL"],
                "log_format": ["form of the log, which goes to stderr"],
            }.items()
        },
    )
