"""Label Studio's tasks, as it imports and exports them: one JSON array.

Entities that were annotated are an annotation, those that a model found a prediction. `label` and
`text` are the names of its template for named entities, and its offsets count UTF-16.
https://labelstud.io/guide/tasks and https://labelstud.io/guide/predictions
"""

from job.corpus.writers.json_lines import in_json
from job.corpus.writers.writer import ByteStream, Found, Groups, Writer, utf16_offsets
from job.sentence import Sentence


def _task(sentence: Sentence, found: Found | None) -> str:
    count = utf16_offsets(sentence.text)
    scores = found.rounded_scores if found else [None] * len(sentence.spans)
    result = [
        {
            "id": str(number),
            "from_name": "label",
            "to_name": "text",
            "type": "labels",
            "value": {
                "start": count(start),
                "end": count(end),
                "text": sentence.text[start:end],
                "labels": [type_],
            },
            **({} if score is None else {"score": score}),
        }
        for number, ((start, end, type_), score) in enumerate(
            zip(sentence.spans, scores, strict=True), start=1
        )
    ]
    data = {"text": sentence.text}
    if found:
        prediction = {"model_version": found.model, "result": result}
        return in_json({"data": data, "predictions": [prediction]})
    return in_json({"data": data, "annotations": [{"result": result}]})


def _put(stream: ByteStream, groups: Groups[str]) -> None:
    before = "[\n"
    for group in groups:
        if group:
            stream.write((before + ",\n".join(group)).encode())
            before = ",\n"
    stream.write(b"[]\n" if before == "[\n" else b"\n]\n")


LABEL_STUDIO = Writer("label-studio", ".json", _task, _put)
