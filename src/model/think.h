/* think.h: whether a model should think before it answers, if its template supports that. */
#pragma once

typedef enum tt_think { TT_THINK_AS_USUAL, TT_THINK_ON, TT_THINK_OFF } tt_think;
