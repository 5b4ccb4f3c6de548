"""Everything that a run imports, imported: see `tests.faults.jobs`."""

import google.cloud.storage
import tensorboardX
import torch
import torch._dynamo
import torch.utils.data
import transformers.models.auto.tokenization_auto
import transformers.models.bert.modeling_bert
import transformers.models.bert.tokenization_bert

import job.__main__
import job.predict
import job.settings.parsing
import job.train

__all__ = ["google", "job", "tensorboardX", "torch", "transformers"]
