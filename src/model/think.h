/* think.h: whether a model is to think before it answers, where its template knows of that. */
#pragma once

typedef enum tt_think { TT_THINK_AS_USUAL, TT_THINK_ON, TT_THINK_OFF } tt_think;
