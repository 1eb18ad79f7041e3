// The language of the example around the widgets.

import { offerLanguages } from './language.js';

offerLanguages();
