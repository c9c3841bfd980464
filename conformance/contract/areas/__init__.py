"""The rules, area by area: each module exports its own, and the catalogue is their sum."""

from __future__ import annotations

from conformance.contract.areas import (
    access,
    answer_types,
    client,
    deprecate,
    durability,
    encryption,
    family,
    image,
    image_accepted,
    image_name,
    image_numbers,
    image_policies,
    image_round_trip,
    image_server_fields,
    labels,
    life,
    life_deletion,
    life_identity,
    life_model,
    life_order,
    list_filters,
    lists,
    operation,
    operation_course,
    operation_error,
    operation_outcome,
    operation_times,
    paths,
    request_id,
    request_id_lost,
    request_id_replay,
    source,
    transport,
    transport_body,
)

RULES = (
    *transport.RULES,
    *transport_body.RULES,
    *paths.RULES,
    *request_id.RULES,
    *request_id_replay.RULES,
    *request_id_lost.RULES,
    *source.RULES,
    *image.RULES,
    *image_round_trip.RULES,
    *image_name.RULES,
    *image_accepted.RULES,
    *image_numbers.RULES,
    *image_policies.RULES,
    *encryption.RULES,
    *image_server_fields.RULES,
    *answer_types.RULES,
    *labels.RULES,
    *operation.RULES,
    *operation_course.RULES,
    *operation_times.RULES,
    *operation_outcome.RULES,
    *operation_error.RULES,
    *life.RULES,
    *life_deletion.RULES,
    *lists.RULES,
    *list_filters.RULES,
    *life_identity.RULES,
    *family.RULES,
    *deprecate.RULES,
    *life_model.RULES,
    *life_order.RULES,
    *access.RULES,
)
"""All rules of the contract, in the order of the catalogue."""

CLIENT_RULES = tuple(client.RULES)
"""The rules for the other side: they judge clients, and stand in no catalogue of what a target has to keep."""

DURABILITY_RULES = tuple(durability.RULES)
"""The rules that only a target can be held to which the suite may kill: they stand apart as well."""
