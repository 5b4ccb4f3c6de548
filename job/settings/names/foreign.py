"""Arguments of other trainers, each with ours: Hugging Face's, Lightning's, spaCy's and the rest.

TrainingArguments and run_ner.py: https://huggingface.co/docs/transformers/main_classes/trainer;
Trainer: https://lightning.ai/docs/pytorch/stable/common/trainer.html. A new one is a line below.
"""

from typing import NamedTuple


class Ours(NamedTuple):
    """Our argument for what another trainer calls otherwise, or '' where there is none. `note`:
    what is different about it."""

    name: str
    note: str = ""


_PER_DEVICE = "it counts sentences per device"
_ONE_FOLDER = "it is one folder for checkpoints, model, report and logs"
_CORPUS = "downstream_corpus"
_SPLITS = "name the folder that holds the splits"
_LENGTH = "longer sentences are cut into overlapping windows"
_STEPS = "it counts steps; 0 saves at the end of each epoch only"
_METRIC = "write the direction with it: MONITOR='max val_f1'"
_BITS = "write 32, bf16 or 16"
_DEVICES = "it counts GPUs, or ranks on a CPU, of each machine; leave it out for all GPUs"
_SOME = "it is a number; CUDA_VISIBLE_DEVICES says which GPUs"
_IN_ALL = "it counts those of each machine, not of all machines together"
_MACHINES = "`spec vertex-gpu-multinode` writes a job for several machines"

FOREIGN: dict[str, Ours] = {
    # How long, how fast
    "num_train_epochs": Ours("epochs"),
    "num_epochs": Ours("epochs"),
    "n_epochs": Ours("epochs"),
    "max_epochs": Ours("epochs"),
    "max_steps": Ours("epochs", "it counts passes over train, not steps"),
    "num_train_steps": Ours("epochs", "it counts passes over train, not steps"),
    "lr": Ours("learning_rate"),
    "base_lr": Ours("learning_rate"),
    "lr_scheduler_type": Ours("lr_scheduler"),
    "scheduler": Ours("lr_scheduler"),
    "warmup_steps": Ours("warmup_ratio", "it is a share of all steps, 0 to 1"),
    "num_warmup_steps": Ours("warmup_ratio", "it is a share of all steps, 0 to 1"),
    "warmup_proportion": Ours("warmup_ratio"),
    "wd": Ours("weight_decay"),
    "max_grad_norm": Ours("gradient_clip"),
    "clip_grad_norm": Ours("gradient_clip"),
    "gradient_clip_val": Ours("gradient_clip"),
    "gradient_accumulation_steps": Ours("gradient_accumulation"),
    "accumulate_grad_batches": Ours("gradient_accumulation"),
    # Batches
    "per_device_train_batch_size": Ours("batch_size"),
    "per_device_eval_batch_size": Ours("batch_size", "training and evaluation share it"),
    "per_gpu_train_batch_size": Ours("batch_size"),
    "per_gpu_eval_batch_size": Ours("batch_size", "training and evaluation share it"),
    "train_batch_size": Ours("batch_size", _PER_DEVICE),
    "eval_batch_size": Ours("batch_size", "training and evaluation share it"),
    "mini_batch_size": Ours("batch_size", _PER_DEVICE),
    "auto_find_batch_size": Ours("batch_size", "BATCH_SIZE=0 takes the largest that fits"),
    "dataloader_num_workers": Ours("cpu_workers"),
    "preprocessing_num_workers": Ours("cpu_workers", "it counts processes that prepare batches"),
    "num_workers": Ours("cpu_workers"),
    # Model
    "model_name_or_path": Ours("pretrained_model_name"),
    "model": Ours("pretrained_model_name"),
    "model_name": Ours("pretrained_model_name"),
    "model_id": Ours("pretrained_model_name"),
    "model_path": Ours("pretrained_model_name"),
    "bert_model": Ours("pretrained_model_name"),
    "pretrained_model_name_or_path": Ours("pretrained_model_name"),
    "tokenizer_name": Ours("pretrained_model_name", "the tokenizer is that of the model"),
    "config_name": Ours("pretrained_model_name", "the configuration is that of the model"),
    "model_revision": Ours("pretrained_model_revision"),
    "revision": Ours("pretrained_model_revision"),
    "max_seq_len": Ours("max_seq_length", _LENGTH),
    "max_length": Ours("max_seq_length", _LENGTH),
    "max_len": Ours("max_seq_length", _LENGTH),
    "model_max_length": Ours("max_seq_length", _LENGTH),
    "doc_stride": Ours("window_stride", "it counts the wordpieces that two windows share"),
    "torch_compile": Ours("compile"),
    # Corpus
    "dataset": Ours(_CORPUS),
    "dataset_name": Ours(_CORPUS, "write hf://datasets/OWNER/NAME"),
    "data_dir": Ours(_CORPUS),
    "data_path": Ours(_CORPUS),
    "train_file": Ours(_CORPUS, _SPLITS),
    "train_data": Ours(_CORPUS, _SPLITS),
    "validation_file": Ours(_CORPUS, _SPLITS),
    "eval_file": Ours(_CORPUS, _SPLITS),
    "dev_file": Ours(_CORPUS, _SPLITS),
    "test_file": Ours(_CORPUS, _SPLITS),
    "text_column_name": Ours("corpus_fields", "write CORPUS_FIELDS=text=NAME"),
    "label_column_name": Ours("corpus_fields", "write CORPUS_FIELDS=tags=NAME"),
    "validation_split_percentage": Ours("val_ratio", "it is a share, 0 to 1"),
    "val_split": Ours("val_ratio"),
    "test_size": Ours("val_ratio"),
    # Output
    "output": Ours("downstream_model_dir", _ONE_FOLDER),
    "output_dir": Ours("downstream_model_dir", _ONE_FOLDER),
    "default_root_dir": Ours("downstream_model_dir", _ONE_FOLDER),
    "logging_dir": Ours("downstream_model_dir", _ONE_FOLDER),
    "save_dir": Ours("downstream_model_dir", _ONE_FOLDER),
    "checkpoint_dir": Ours("downstream_model_dir", _ONE_FOLDER),
    "out_dir": Ours("downstream_model_dir", _ONE_FOLDER),
    "overwrite_output_dir": Ours("resume", "RESUME=never starts anew"),
    "resume_from_checkpoint": Ours("resume"),
    "ckpt_path": Ours("resume"),
    "save_total_limit": Ours("save_top_k"),
    "save_steps": Ours("save_every_steps", _STEPS),
    "save_strategy": Ours("save_every_steps", _STEPS),
    "every_n_train_steps": Ours("save_every_steps", _STEPS),
    "metric_for_best_model": Ours("monitor", _METRIC),
    "greater_is_better": Ours("monitor", _METRIC),
    "logging_steps": Ours("log_every_s", "it counts seconds"),
    "log_every_n_steps": Ours("log_every_s", "it counts seconds"),
    "early_stopping": Ours("early_stopping_patience"),
    "patience": Ours("early_stopping_patience"),
    # Hardware
    "bf16": Ours("precision", "write PRECISION=bf16"),
    "half_precision_backend": Ours("precision", _BITS),
    "mixed_precision": Ours("precision", _BITS),
    "amp": Ours("precision", _BITS),
    "device": Ours("accelerator", "write cpu, gpu or tpu"),
    "use_cpu": Ours("accelerator", "write ACCELERATOR=cpu"),
    "no_cuda": Ours("accelerator", "write ACCELERATOR=cpu"),
    "gpus": Ours("devices", _DEVICES),
    "n_gpu": Ours("devices", _DEVICES),
    "n_gpus": Ours("devices", _DEVICES),
    "num_gpus": Ours("devices", _DEVICES),
    "gpus_per_node": Ours("devices", _DEVICES),
    "num_devices": Ours("devices", _DEVICES),
    "nproc_per_node": Ours("devices", _DEVICES),
    "num_processes": Ours("devices", _IN_ALL),
    "world_size": Ours("devices", _IN_ALL),
    "gpu_id": Ours("devices", _SOME),
    "gpu_ids": Ours("devices", _SOME),
    "max_restarts": Ours("restarts"),
    "ddp_timeout": Ours("step_timeout_s"),
    "tpu_num_cores": Ours("tpu_cores"),
    # The rest
    "random_seed": Ours("seed"),
    "seed_everything": Ours("seed"),
    "data_seed": Ours("seed", "all randomness follows from it"),
    "fast_dev_run": Ours("test_mode"),
    "max_train_samples": Ours("test_mode", "it takes 64 sentences of each split"),
    "limit_train_batches": Ours("test_mode", "it takes 64 sentences of each split"),
    "hub_token": Ours("hf_token", "set it as environment variable or in .env, not as flag"),
    "use_auth_token": Ours("hf_token", "set it as environment variable or in .env, not as flag"),
    "token": Ours("hf_token", "set it as environment variable or in .env, not as flag"),
    # What there is no argument for
    "do_train": Ours("", "a run trains, evaluates and exports"),
    "do_eval": Ours("", "each epoch ends with an evaluation on val"),
    "do_predict": Ours("", "to tag sentences is the command `predict`"),
    "do_lower_case": Ours("", "the tokenizer does what its model was made with"),
    "eval_strategy": Ours("", "each epoch ends with an evaluation on val"),
    "evaluation_strategy": Ours("", "each epoch ends with an evaluation on val"),
    "eval_steps": Ours("", "each epoch ends with an evaluation on val"),
    "check_val_every_n_epoch": Ours("", "each epoch ends with an evaluation on val"),
    "load_best_model_at_end": Ours("", "the best checkpoint is always the one that is exported"),
    "task_name": Ours("", "there is one task, named-entity recognition"),
    "label_all_tokens": Ours("", "every wordpiece of an entity is trained with its label"),
    "return_entity_level_metrics": Ours("", "the report has the scores of each entity type"),
    "report_to": Ours("", "logs/ in the output holds the curves for TensorBoard"),
    "logger": Ours("", "logs/ in the output holds the curves for TensorBoard"),
    "optim": Ours("", "the optimiser is always AdamW"),
    "optimizer": Ours("", "the optimiser is always AdamW"),
    "push_to_hub": Ours("", "model/ in the output is a folder that `hf upload` takes"),
    "num_nodes": Ours("", _MACHINES),
    "nnodes": Ours("", _MACHINES),
    "num_machines": Ours("", _MACHINES),
    "ddp_backend": Ours("", "it follows from the devices that there are"),
}
# Of these, the names that nobody gives a variable for another purpose. They count what ours count.
CERTAIN = frozenset(
    (
        *("num_train_epochs", "max_epochs", "lr_scheduler_type", "warmup_proportion"),
        *("max_grad_norm", "gradient_clip_val", "gradient_accumulation_steps"),
        *("accumulate_grad_batches", "per_device_train_batch_size", "per_gpu_train_batch_size"),
        *("train_batch_size", "dataloader_num_workers", "model_name_or_path", "max_seq_len"),
        *("pretrained_model_name_or_path", "model_max_length", "save_total_limit"),
        *("resume_from_checkpoint", "tpu_num_cores"),
    )
)


def in_our_words(name: str, prefix: str = "") -> str | None:
    """The end of a sentence about an argument of another trainer. `prefix`: `--` for flags."""
    ours = FOREIGN.get(name)
    if ours is None:
        return None
    if not ours.name:
        return f"leave it out: {ours.note}."
    return f"here it is {prefix}{ours.name}" + (f": {ours.note}." if ours.note else ".")
